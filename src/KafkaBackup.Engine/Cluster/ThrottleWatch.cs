namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// Tells a quota from a stall. Brokers hold back a user whose quota is used up; that silence is nobody's fault. But brokers before Kafka 2.6 answer with nothing, time after
/// time, as long as a fetch asks for more than the quota allows within its window of some seconds: then less has to be asked for.
/// </summary>
internal sealed class ThrottleWatch(TimeProvider clock)
{
    /// <summary>Each broker may hold back once, and then give something.</summary>
    private const int MostInARow = 3;

    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(20);

    private long _since;
    private TimeSpan _wait;
    private TimeSpan _silent;
    private int _inARow;

    /// <summary>Whether a broker holds us back now.</summary>
    public bool IsHeldBack => _wait > TimeSpan.Zero && clock.GetElapsedTime(_since) < _wait;

    /// <summary>Nothing was given for so long, by brokers that hold us back, that less should be asked for.</summary>
    public bool AsksTooMuch => _inARow >= MostInARow || _silent > LongestSilence;

    public void HeldBack(TimeSpan wait)
    {
        (_since, _wait) = (clock.GetTimestamp(), wait);
        _inARow++;
    }

    /// <summary>Something was given, or is asked for in another way.</summary>
    public void BeginAnew() => (_silent, _inARow) = (TimeSpan.Zero, 0);

    /// <summary>What of a time without anything given is to be counted against a partition.</summary>
    public TimeSpan Count(TimeSpan idle)
    {
        if (!IsHeldBack)
        {
            return idle;
        }

        _silent += idle;
        return TimeSpan.Zero;
    }
}
