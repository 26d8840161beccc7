using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

internal sealed record GroupResetOutcome(IReadOnlyList<GroupResetResult> Resets, string? BackupPath, bool Failed)
{
    public static GroupResetOutcome None { get; } = new([], null, false);
}

/// <summary>
/// Sets the offsets of consumer groups to where their positions in the source are now (rules F1, F3, F4): works all of them out, saves
/// what is there, then writes.
/// </summary>
internal sealed class GroupReset(
    RestoreWork work,
    IKafkaCluster cluster,
    GroupPositions positions,
    string folder,
    TimeProvider clock,
    IEngineEvents events
)
{
    public async Task<GroupResetOutcome> RunAsync(CancellationToken cancel)
    {
        var groups = GroupPlan.Groups(work);
        if (groups.Count == 0)
        {
            return GroupResetOutcome.None;
        }

        GroupPlan.RequireTimes(work);
        var moves = await positions.FindAsync(groups, cancel).ConfigureAwait(false);
        var before = new Dictionary<string, Dictionary<TopicPartition, GroupOffset>>(StringComparer.Ordinal);
        foreach (var group in groups)
        {
            var present = await cluster.ListGroupOffsetsAsync(group.Group, requireStable: true, cancel).ConfigureAwait(false);
            before[group.Group] = present.Where(o => o.Offset >= 0).ToDictionary(o => o.Partition);
        }

        var results = moves
            .Select(m => new GroupResetResult(
                m.Group,
                m.Target.Topic,
                m.Target.Partition,
                m.SourceOffset,
                m.TargetOffset,
                before[m.Group].GetValueOrDefault(m.Target)?.Offset,
                m.Metadata
            ))
            .ToArray();
        var path = Save(results, before);
        events.Verbose($"The present offsets of {groups.Count} consumer groups are saved in {path}.");
        var written = await WriteAsync(results, cancel).ConfigureAwait(false);
        return new GroupResetOutcome(written, path, written.Count < results.Length);
    }

    private string Save(GroupResetResult[] results, Dictionary<string, Dictionary<TopicPartition, GroupOffset>> before)
    {
        var now = clock.GetUtcNow();
        var path = Path.Combine(folder, $"kafkabackup-offsets-{work.Options.BackupId}-{now:yyyyMMdd-HHmmss-fff}.json");
        new SavedOffsets
        {
            Version = SavedOffsets.CurrentVersion,
            BackupId = work.Options.BackupId,
            TargetClusterId = work.TargetClusterId,
            SavedAt = now,
            Offsets = results
                .Select(r => new SavedOffset(
                    r.Group,
                    r.Topic,
                    r.Partition,
                    r.OldOffset,
                    before[r.Group].GetValueOrDefault(new TopicPartition(r.Topic, r.Partition))?.Metadata ?? "",
                    r.TargetOffset
                ))
                .ToArray(),
        }.Write(path);
        return path;
    }

    /// <summary>A group that fails is reported; the others are set all the same. A stop leaves the rest.</summary>
    private async Task<IReadOnlyList<GroupResetResult>> WriteAsync(GroupResetResult[] results, CancellationToken cancel)
    {
        var written = new List<GroupResetResult>();
        foreach (var group in results.GroupBy(r => r.Group, StringComparer.Ordinal))
        {
            try
            {
                await cluster
                    .AlterGroupOffsetsAsync(
                        group.Key,
                        group.Select(r => new GroupOffset(new TopicPartition(r.Topic, r.Partition), r.TargetOffset, r.Metadata)).ToArray(),
                        cancel
                    )
                    .ConfigureAwait(false);
                written.AddRange(group);
            }
            catch (KafkaBackupException error)
            {
                events.Error(error);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                break;
            }
        }

        return written;
    }
}
