using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Rules;

namespace KafkaBackup.Engine.Restore;

/// <summary>Which consumer groups a restore will reset: from the backup, never from the target (rules F1, F4).</summary>
internal static class GroupPlan
{
    /// <summary>The newest snapshot's groups that were asked for, with their offsets on the restored topics.</summary>
    public static IReadOnlyList<GroupEntry> Groups(RestoreWork work)
    {
        var options = work.Options;
        if (!options.ResetConsumerOffsets || options.OffsetStrategy is OffsetStrategy.Skip or OffsetStrategy.Manual)
        {
            return [];
        }

        // A merged partition that brings no record says nothing of where a group has to go on among the others' records.
        var restored = work
            .Targets.SelectMany(t => t.Sources.Where(s => s.RecordCount > 0 || t.RecordCount == 0))
            .Select(s => s.Source)
            .ToHashSet();
        var asked = PatternSet.ForNames(options.AllConsumerGroups ? ["*"] : options.ConsumerGroups);
        return Known(work.Backup)
            .Where(g => asked.Matches(g.Group))
            .Select(g => g with { Offsets = g.Offsets.Where(o => restored.Contains(new TopicPartition(o.Topic, o.Partition))).ToArray() })
            .Where(g => g.Offsets.Count > 0)
            .ToArray();
    }

    /// <summary>
    /// The newest snapshot: what a group read past the captured end is not in the backup, so that such a group goes on just after the last
    /// restored record.
    /// </summary>
    public static IReadOnlyList<GroupEntry> Known(OpenedBackup backup) =>
        backup.Manifest.GroupSnapshots.Count == 0 ? [] : backup.Manifest.GroupSnapshots[^1].Groups;

    /// <summary>Findings for groups that were named and are not in the backup, and for active ones.</summary>
    /// <param name="together">The plans of all backups of this restore: a group that another of them sets is not missing.</param>
    public static async Task<IReadOnlyList<Finding>> CheckAsync(
        RestoreWork work,
        IReadOnlyCollection<RestoreWork> together,
        IKafkaCluster? cluster,
        CancellationToken cancel
    )
    {
        var findings = new List<Finding>();
        var options = work.Options;
        if (!options.ResetConsumerOffsets)
        {
            return findings;
        }

        findings.AddRange(NothingToReset(work, together));
        findings.AddRange(OnMergedPartitions(work));
        foreach (var group in Groups(work).Where(g => g.Offsets.Any(o => o.TakenAt is not null)))
        {
            var oldest = group.Offsets.Min(o => o.TakenAt)!.Value;
            findings.Add(
                new Finding(
                    FindingSeverity.Warning,
                    FindingKind.ConsumerGroup,
                    group.Group,
                    $"Offsets of consumer group {group.Group} are from {oldest:u}: later runs could not read them from the source.",
                    "The group may read again what it read after that time."
                )
            );
        }

        var groups = Groups(work).Select(g => g.Group).ToArray();
        if (options is { OffsetStrategy: OffsetStrategy.ClusterScan, IncludeOriginalOffsetHeader: false } && groups.Length > 0)
        {
            findings.Add(
                new Finding(
                    FindingSeverity.Warning,
                    FindingKind.ConsumerGroup,
                    options.BackupId,
                    $"The groups are to be set by a scan for {HeaderNames.OriginalOffset} headers, which this restore does not write: it can only find those that the source's own records have.",
                    "Add include_original_offset_header (-IncludeOriginalOffsetHeader), or choose the strategy header-based."
                )
            );
        }

        if (TimesLostIn(work) is { } stamped)
        {
            findings.Add(new Finding(FindingSeverity.Error, FindingKind.ConsumerGroup, stamped.Topic, TimesLost(stamped), TimesLostAdvice));
        }

        if (cluster is not null && groups.Length > 0)
        {
            var states = await cluster.DescribeGroupsAsync(groups, cancel).ConfigureAwait(false);
            findings.AddRange(
                states
                    .Where(s => s.Value.IsActive)
                    .Select(s => new Finding(
                        FindingSeverity.Error,
                        FindingKind.ConsumerGroup,
                        s.Key,
                        $"Consumer group {s.Key} is active in the target ({s.Value.State}, {s.Value.MemberCount} members): its offsets cannot be set.",
                        ErrorIds.GroupActive.Advice
                    ))
            );
        }

        return findings;
    }

    /// <exception cref="KafkaBackupException">GroupOffsets: of a topic that the restore has created this may be known only now.</exception>
    public static void RequireTimes(RestoreWork work)
    {
        if (TimesLostIn(work) is { } stamped)
        {
            throw ErrorIds.GroupOffsets.With($"{TimesLost(stamped)} No group's offsets were changed.", stamped.ToString(), TimesLostAdvice);
        }
    }

    private const string TimesLostAdvice =
        "Choose the strategy header-based (offset_strategy, -OffsetStrategy), or let the topic keep the records' own times (message.timestamp.type CreateTime).";

    /// <summary>
    /// All records of a target that stamps them itself have the time of the restore, so that every group's time would lead to the first.
    /// </summary>
    private static TopicPartition? TimesLostIn(RestoreWork work)
    {
        if (work.Options.OffsetStrategy != OffsetStrategy.TimestampBased)
        {
            return null;
        }

        var read = Groups(work).SelectMany(g => g.Offsets).Select(o => new TopicPartition(o.Topic, o.Partition)).ToHashSet();
        return work
            .Targets.FirstOrDefault(t => t.TargetStampsRecords && t.RecordCount > 0 && t.Sources.Any(s => read.Contains(s.Source)))
            ?.Target;
    }

    private static string TimesLost(TopicPartition target) =>
        $"Topic {target.Topic} stamps records with the time at which they are written (message.timestamp.type is LogAppendTime): the records' own times are not there to find the groups' positions by.";

    /// <summary>What was asked for and cannot be done must not pass for done (rule A9).</summary>
    private static IEnumerable<Finding> NothingToReset(RestoreWork work, IReadOnlyCollection<RestoreWork> together)
    {
        var known = Known(work.Backup);
        var has = known.Count == 0 ? "none" : string.Join(", ", known.Take(10).Select(g => g.Group));
        var resettable = Groups(work).Select(g => g.Group).ToHashSet(StringComparer.Ordinal);
        if (work.Options.AllConsumerGroups && resettable.Count == 0)
        {
            yield return new Finding(
                FindingSeverity.Warning,
                FindingKind.ConsumerGroup,
                work.Options.BackupId,
                $"No consumer group of the backup has a committed offset on the partitions that are restored, so none is reset. The backup has groups: {has}.",
                "If there should be some, look at the groups of the backup (Get-KafkaBackup); else leave the reset out."
            );
        }

        foreach (var pattern in PatternSet.ForNames(work.Options.ConsumerGroups).Include)
        {
            if (together.Any(w => Groups(w).Any(g => pattern.Matches(g.Group))))
            {
                continue;
            }

            var matching = known.Where(g => pattern.Matches(g.Group)).Select(g => g.Group).ToArray();
            if (matching.Length == 0)
            {
                yield return new Finding(
                    FindingSeverity.Error,
                    FindingKind.ConsumerGroup,
                    pattern.Text,
                    pattern.IsLiteral
                        ? $"Consumer group {pattern} is not in the backup. It has: {has}."
                        : $"No consumer group of the backup matches {pattern}. It has: {has}.",
                    ErrorIds.GroupNotInBackup.Advice
                );
            }
            else
            {
                yield return new Finding(
                    FindingSeverity.Error,
                    FindingKind.ConsumerGroup,
                    pattern.Text,
                    $"Consumer group {string.Join(", ", matching.Take(10))} has no committed offset on the partitions that are restored, so there is nothing to reset.",
                    "Leave the group out, or restore the topics that it reads too."
                );
            }
        }
    }

    /// <summary>
    /// One offset in the target cannot say how far a group was in each of two sources whose records lie there one after the other.
    /// </summary>
    private static IEnumerable<Finding> OnMergedPartitions(RestoreWork work)
    {
        var targets = work.Targets.SelectMany(t => t.Sources.Select(s => (s.Source, t.Target))).ToDictionary(t => t.Source, t => t.Target);
        return from @group in Groups(work)
               from merged in @group.Offsets.Select(o => new TopicPartition(o.Topic, o.Partition)).GroupBy(s => targets[s])
               where merged.Count() > 1
               select new Finding(
                   FindingSeverity.Error,
                   FindingKind.ConsumerGroup,
                   @group.Group,
                   $"Consumer group {@group.Group} has offsets on {string.Join(" and ", merged)}, which are both restored to {merged.Key}: no single offset there stands for all of them.",
                   "Do not merge these partitions, or leave the group out of the reset and set its offset by hand."
               );
    }

    /// <summary>In a user's words, for the report.</summary>
    public static IEnumerable<string> Describe(RestoreWork work)
    {
        var options = work.Options;
        if (options.IncludeOriginalOffsetHeader)
        {
            yield return $"Original offsets and timestamps will be stored in record headers ({HeaderNames.OriginalOffset}, {HeaderNames.OriginalTimestamp})";
        }

        if (options.OffsetReportPath is { } report)
        {
            yield return $"The offset mapping will be written to {report}";
        }

        var how = options.OffsetStrategy switch
        {
            OffsetStrategy.HeaderBased => "by the offset mapping of this restore",
            OffsetStrategy.TimestampBased => "by the time of the record each group would read next",
            OffsetStrategy.ClusterScan => "by the original offsets found in the restored topics' headers",
            _ => null,
        };
        var groups = Groups(work);
        if (how is not null && groups.Count > 0)
        {
            yield return $"Offsets of {groups.Count} consumer groups will be set {how}: {string.Join(", ", groups.Select(g => g.Group))}";
        }
        else
        {
            yield return options.OffsetStrategy == OffsetStrategy.Manual
                ? "Consumer groups are not touched; the mapping is reported for you to set them"
                : "Consumer groups are not touched";
        }
    }
}
