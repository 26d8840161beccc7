namespace KafkaBackup.Engine.Restore;

/// <summary>
/// How long a target partition has kept its acknowledgements. The writer tries again by itself what brokers refuse for a while: whoever
/// waits is told.
/// </summary>
internal sealed class AcknowledgementWatch(RestoreScope scope, TopicPartition target)
{
    private const string Likely =
        "it has no leader, or fewer replicas in sync than its min.insync.replicas demands, or its broker takes requests and does not answer them (it is given 30 seconds for each by default, then it is asked again over a new connection)";

    private static readonly TimeSpan Noticeable = TimeSpan.FromSeconds(10);

    private long _since = scope.Clock.GetTimestamp();
    private bool _told;

    /// <summary>Something was acknowledged, or is waited for from now on.</summary>
    public void Restart() => _since = scope.Clock.GetTimestamp();

    /// <summary>A quota makes this user wait for so long: that is nobody's silence.</summary>
    public void HeldBack(TimeSpan wait) =>
        _since = Math.Max(_since, scope.Clock.GetTimestamp() + (long)(wait.TotalSeconds * scope.Clock.TimestampFrequency));

    /// <param name="trouble">What the writer said last.</param>
    /// <returns>The error that ends the wait; null while it may go on.</returns>
    public KafkaBackupException? Look(KafkaBackupException? trouble)
    {
        var still = scope.Clock.GetElapsedTime(_since);
        if (still > scope.DeliveryBudget)
        {
            return ErrorIds.TargetUnavailable.With(
                $"Partition {target} acknowledged nothing for {scope.DeliveryBudget.TotalMinutes:0.#} minutes.{Cause(trouble)}",
                target.ToString(),
                inner: trouble
            );
        }

        if (!_told && still > (Noticeable < scope.DeliveryBudget / 10 ? Noticeable : scope.DeliveryBudget / 10))
        {
            _told = true;
            scope.Events.Warning(
                $"Partition {target} has acknowledged nothing for {still.TotalSeconds:0} seconds, and is waited for up to {scope.DeliveryBudget.TotalMinutes:0.#} minutes.{Cause(trouble)}"
            );
        }

        return null;
    }

    private static string Cause(KafkaBackupException? trouble) => trouble is null ? $" Perhaps {Likely}." : $" {trouble.Message}";
}
