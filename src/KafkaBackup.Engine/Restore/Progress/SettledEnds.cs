using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>Where a target partition's log ends, and the sequence that is safe to go on with there.</summary>
/// <param name="End">Null where it keeps growing.</param>
/// <param name="IsGuarded">The broker refuses late requests and other processes by the sequence.</param>
internal readonly record struct SettledEnd(long? End, bool IsGuarded);

/// <summary>
/// Finds out how far the restore of target partitions has come while requests of its own, or of a process that was killed, may still be on
/// their way. Where the broker guards the sequence, such a request changes nothing unnoticed, and the end is taken as it is. Elsewhere the
/// end must have been still for a quiet time (rule L6).
/// </summary>
internal sealed class SettledEnds(RestoreScope scope, TargetLog log)
{
    /// <param name="sequences">Of each partition; null where none is known.</param>
    public async Task<IReadOnlyDictionary<TopicPartition, SettledEnd>> FindAsync(
        IReadOnlyDictionary<TopicPartition, PartitionSequence?> sequences,
        CancellationToken stop
    )
    {
        var known = sequences.Where(s => s.Value is not null).ToDictionary(s => s.Key, s => s.Value!.Value);
        var guarded =
            known.Count == 0 ? new HashSet<TopicPartition>() : await scope.Cluster.FindGuardedAsync(known, stop).ConfigureAwait(false);
        var found = new Dictionary<TopicPartition, SettledEnd>();
        var others = sequences.Keys.Where(p => !guarded.Contains(p)).ToArray();
        if (others.Length > 0)
        {
            scope.Events.Verbose(
                $"Waiting until {others.Length} target partitions, among them {others[0]}, have been still for {scope.Options.ResumeQuiet.TotalSeconds:0.#} s: their brokers are not sure to recognise requests that are still on their way."
            );
            var still = await log.QuietEndsAsync(others, scope.Options.ResumeQuiet, stop).ConfigureAwait(false);
            foreach (var partition in others)
            {
                found.Add(partition, new SettledEnd(still.TryGetValue(partition, out var end) ? end : null, false));
            }
        }

        if (guarded.Count > 0)
        {
            foreach (var (partition, end) in await log.EndsAsync(guarded.ToArray(), stop).ConfigureAwait(false))
            {
                found.Add(partition, new SettledEnd(end, true));
            }
        }

        return found;
    }
}
