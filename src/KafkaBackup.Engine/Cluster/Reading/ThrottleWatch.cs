namespace KafkaBackup.Engine.Cluster;

/// <summary>Whether brokers hold this user back, because a quota is used up: what they do not give meanwhile is nobody's fault.</summary>
internal sealed class ThrottleWatch(TimeProvider clock)
{
    private long _until = long.MinValue;

    public bool IsHeldBack => clock.GetTimestamp() < _until;

    /// <summary>Several brokers may do so; the longest wait counts.</summary>
    public void HeldBack(TimeSpan wait) =>
        _until = Math.Max(_until, clock.GetTimestamp() + (long)(wait.TotalSeconds * clock.TimestampFrequency));
}
