using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Backup;

/// <summary>Takes the committed offsets, with metadata, of every group that has any on the topics of a backup (SEMANTICS B11).</summary>
internal sealed class GroupWatch(IKafkaCluster cluster, TimeProvider clock, IEngineEvents events)
{
    /// <summary>A coordinator answers one group at a time; a few requests under way hide the round trips without crowding it.</summary>
    private const int RequestsUnderWay = 8;

    /// <summary>Null when the groups could not be seen: a backup of data does not fail for it, but says so.</summary>
    public async Task<GroupSnapshot?> TakeAsync(IReadOnlySet<string> topics, string runId, CancellationToken cancel)
    {
        try
        {
            var groups = await cluster.ListGroupsAsync(cancel).ConfigureAwait(false);
            var entries = new GroupEntry?[groups.Count];
            var options = new ParallelOptions { MaxDegreeOfParallelism = RequestsUnderWay, CancellationToken = cancel };
            await AskAllAsync(groups, entries, topics, options).ConfigureAwait(false);
            return new GroupSnapshot(clock.GetUtcNow(), runId, entries.OfType<GroupEntry>().OrderBy(g => g.Group, StringComparer.Ordinal).ToArray());
        }
        catch (KafkaBackupException error)
        {
            events.Warning($"The offsets of consumer groups could not be read and are not in this run: {error.Message} {error.Advice}");
            return null;
        }
    }

    private Task AskAllAsync(IReadOnlyList<string> groups, GroupEntry?[] entries, IReadOnlySet<string> topics, ParallelOptions options) =>
        Parallel.ForAsync(0, groups.Count, options, async (i, cancel) =>
        {
            var offsets = await cluster.ListGroupOffsetsAsync(groups[i], requireStable: false, cancel).ConfigureAwait(false);
            var selected = offsets
                .Where(o => o.Offset >= 0 && topics.Contains(o.Partition.Topic))
                .OrderBy(o => o.Partition)
                .Select(o => new GroupOffsetEntry(o.Partition.Topic, o.Partition.Partition, o.Offset, o.Metadata))
                .ToArray();
            entries[i] = selected.Length == 0 ? null : new GroupEntry(groups[i], selected);
        });
}
