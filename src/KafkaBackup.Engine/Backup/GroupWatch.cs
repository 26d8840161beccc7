using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Backup;

/// <summary>Takes the committed offsets, with metadata, of every group that has any on the topics of a backup (SEMANTICS B11).</summary>
internal sealed class GroupWatch(RunScope run)
{
    /// <summary>A coordinator answers one group at a time; a few requests under way hide the round trips without crowding it.</summary>
    private const int RequestsUnderWay = 8;

    /// <summary>Null when the groups could not be seen: a backup of data does not fail for it, but says so.</summary>
    public async Task<GroupSnapshot?> TakeAsync(IReadOnlySet<string> topics, TimeSpan budget, CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(budget, run.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        try
        {
            var groups = await run.Cluster.ListGroupsAsync(either.Token).ConfigureAwait(false);
            var entries = new GroupEntry?[groups.Count];
            var options = new ParallelOptions { MaxDegreeOfParallelism = RequestsUnderWay, CancellationToken = either.Token };
            await Parallel.ForAsync(0, groups.Count, options, async (i, c) => entries[i] = await AskAsync(groups[i], topics, c).ConfigureAwait(false)).ConfigureAwait(false);
            return new GroupSnapshot(run.Clock.GetUtcNow(), run.RunId, entries.OfType<GroupEntry>().OrderBy(g => g.Group, StringComparer.Ordinal).ToArray());
        }
        catch (KafkaBackupException error)
        {
            Tell("consumer groups", error.Message, error.Advice);
            return null;
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            Tell("consumer groups", $"The cluster took longer than {budget.TotalSeconds:0} s.", "Run again when the group coordinators answer.");
            return null;
        }
    }

    private async Task<GroupEntry?> AskAsync(string group, IReadOnlySet<string> topics, CancellationToken cancel)
    {
        try
        {
            var offsets = await run.Cluster.ListGroupOffsetsAsync(group, requireStable: false, cancel).ConfigureAwait(false);
            var selected = offsets
                .Where(o => o.Offset >= 0 && topics.Contains(o.Partition.Topic))
                .OrderBy(o => o.Partition)
                .Select(o => new GroupOffsetEntry(o.Partition.Topic, o.Partition.Partition, o.Offset, o.Metadata))
                .ToArray();
            return selected.Length == 0 ? null : new GroupEntry(group, selected);
        }
        catch (KafkaBackupException error) when (error.Definition == ErrorIds.ClusterUnauthorized)
        {
            // One group that this user may not see is no reason to lose the others.
            Tell(group, error.Message, error.Advice);
            return null;
        }
    }

    private void Tell(string what, string why, string advice) => run.Findings.Add(new Finding(
        FindingSeverity.Warning, FindingKind.ConsumerGroup, what, $"The offsets of {what} could not be read and are not in this run: {why}", advice));
}
