using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// How long a target that does not answer, cannot answer yet, or says that it knows no such topic, is waited for. Brokers that come back do
/// not know all their topics and groups at once, so "unknown" is only believed when it lasts (rule E6).
/// </summary>
internal sealed class TargetPatience(TimeProvider clock, IEngineEvents events)
{
    public static readonly TimeSpan Away = TimeSpan.FromMinutes(5);
    public static readonly TimeSpan Unknown = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly long _began = clock.GetTimestamp();
    private long? _unknownSince;
    private bool _told;

    /// <summary>Pauses when it is worth asking again; throws the error when it is not.</summary>
    public async Task PauseAsync(KafkaBackupException error, CancellationToken cancel)
    {
        // "Unknown" counts from when brokers began to say so: they may have been away before.
        _unknownSince = error.Definition == ErrorIds.TopicNotFound ? _unknownSince ?? clock.GetTimestamp() : null;
        var budget =
            _unknownSince is not null ? Unknown
            : error.Definition == ErrorIds.ClusterUnreachable || PassingFault.Is(error) ? Away
            : TimeSpan.Zero;
        if (clock.GetElapsedTime(_unknownSince ?? _began) >= budget)
        {
            throw error;
        }

        if (!_told)
        {
            _told = true;
            events.Warning($"Waiting for the target for up to {budget.TotalMinutes:0.#} minutes: {error.Message}");
        }

        await Task.Delay(Pause, cancel).ConfigureAwait(false);
    }
}
