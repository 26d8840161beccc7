using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;

namespace KafkaBackup.Engine.Restore;

/// <summary>Puts consumer-group offsets back as they were before a reset; what a group had none of is removed again (rule F4).</summary>
internal sealed class OffsetRestoreJob(SavedOffsets saved, string path, bool force, IKafkaCluster cluster, IEngineEvents events)
{
    public static async Task<PlannedOperation<ConsumerOffsetPlan, IReadOnlyList<ConsumerOffsetRestoreResult>>> PlanAsync(
        ConsumerOffsetRestoreSettings asked,
        OptionsResolver resolver,
        EngineServices services,
        IEngineEvents events,
        CancellationToken cancel
    )
    {
        var path =
            asked.OffsetBackupPath
            ?? throw ErrorIds.MissingSettings.With("Not given: the file of saved offsets (-OffsetBackupPath).", "OffsetBackupPath");
        var target = resolver.Resolve(asked.Target, "target");
        var saved = SavedOffsets.Read(path);
        var cluster = services.OpenCluster(target, events);
        try
        {
            var job = new OffsetRestoreJob(saved, path, asked.Force, cluster, events);
            var plan = await job.PlanAsync(cancel).ConfigureAwait(false);
            return new PlannedOperation<ConsumerOffsetPlan, IReadOnlyList<ConsumerOffsetRestoreResult>>(
                plan,
                stop => job.RunAsync(plan, stop),
                cluster.DisposeAsync
            );
        }
        catch
        {
            await cluster.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<ConsumerOffsetPlan> PlanAsync(CancellationToken cancel)
    {
        var clusterId = (await cluster.DescribeAsync(cancel).ConfigureAwait(false)).ClusterId;
        if (saved.TargetClusterId is { } expected && clusterId is not null && clusterId != expected)
        {
            throw ErrorIds.OffsetFileInvalid.With(
                $"{path} holds offsets of cluster {expected}, but {cluster.Address} is cluster {clusterId}.",
                path,
                "Give the cluster whose groups the restore changed."
            );
        }

        var findings = new List<Finding>();
        var groups = saved.Offsets.GroupBy(o => o.Group, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).ToArray();
        var states = await cluster.DescribeGroupsAsync(groups.Select(g => g.Key).ToArray(), cancel).ConfigureAwait(false);
        findings.AddRange(
            states
                .Where(s => s.Value.IsActive)
                .OrderBy(s => s.Key, StringComparer.Ordinal)
                .Select(s => new Finding(
                    FindingSeverity.Error,
                    FindingKind.ConsumerGroup,
                    s.Key,
                    $"Consumer group {s.Key} is active ({s.Value.State}, {s.Value.MemberCount} members): its offsets cannot be set.",
                    ErrorIds.GroupActive.Advice
                ))
        );

        var changes = new List<ConsumerOffsetRestoreResult>();
        foreach (var group in groups)
        {
            var present = (await cluster.ListGroupOffsetsAsync(group.Key, requireStable: true, cancel).ConfigureAwait(false))
                .Where(o => o.Offset >= 0)
                .ToDictionary(o => o.Partition);
            foreach (var offset in group)
            {
                var now = present.GetValueOrDefault(new TopicPartition(offset.Topic, offset.Partition));
                if (now?.Offset == offset.OldOffset && (now is null || now.Metadata == offset.OldMetadata))
                {
                    continue;
                }

                changes.Add(
                    new ConsumerOffsetRestoreResult(
                        offset.Group,
                        offset.Topic,
                        offset.Partition,
                        now?.Offset,
                        offset.OldOffset,
                        offset.OldMetadata
                    )
                );
                if (now is not null && now.Offset != offset.NewOffset)
                {
                    findings.Add(
                        new Finding(
                            FindingSeverity.Error,
                            FindingKind.ConsumerGroup,
                            offset.Group,
                            $"Consumer group {offset.Group} has moved on {offset.Topic}/{offset.Partition}: the restore set offset {offset.NewOffset}, now it is {now.Offset}.",
                            "Its consumers have worked since; use -Force to put the old offset back all the same."
                        )
                        {
                            CanForce = true,
                        }
                    );
                }
            }
        }

        return new ConsumerOffsetPlan(ItemList.From(changes), ItemList.From(findings));
    }

    private async Task<IReadOnlyList<ConsumerOffsetRestoreResult>> RunAsync(ConsumerOffsetPlan plan, CancellationToken stop)
    {
        if (plan.Findings.FirstOrDefault(f => f.Severity == FindingSeverity.Error && !(force && f.CanForce)) is { } refusal)
        {
            throw (refusal.CanForce ? ErrorIds.GroupOffsets : ErrorIds.GroupActive).With(
                $"{refusal.Message} No offset was changed.",
                refusal.Place,
                refusal.Advice
            );
        }

        var written = new List<ConsumerOffsetRestoreResult>();
        foreach (var group in plan.Changes.GroupBy(c => c.Group, StringComparer.Ordinal))
        {
            try
            {
                await PutBackAsync(group.Key, group.ToArray(), stop).ConfigureAwait(false);
                written.AddRange(group);
            }
            catch (KafkaBackupException error)
            {
                // A group that cannot be set is reported; the others are still restored.
                events.Error(error);
            }
        }

        return written;
    }

    private async Task PutBackAsync(string group, IReadOnlyList<ConsumerOffsetRestoreResult> changes, CancellationToken stop)
    {
        var had = changes
            .Where(c => c.NewOffset is not null)
            .Select(c => new GroupOffset(new TopicPartition(c.Topic, c.Partition), c.NewOffset!.Value, c.Metadata))
            .ToArray();
        var hadNone = changes.Where(c => c.NewOffset is null).Select(c => new TopicPartition(c.Topic, c.Partition)).ToArray();
        if (had.Length > 0)
        {
            await cluster.AlterGroupOffsetsAsync(group, had, stop).ConfigureAwait(false);
        }

        if (hadNone.Length > 0)
        {
            await cluster.DeleteGroupOffsetsAsync(group, hadNone, stop).ConfigureAwait(false);
        }
    }
}
