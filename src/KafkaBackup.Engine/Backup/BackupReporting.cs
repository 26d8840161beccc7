using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Backup;

/// <summary>Makes the result that users see from what became of the partitions.</summary>
internal static class BackupReporting
{
    public static BackupResult Result(
        BackupWork work, string location, RunEntry run, Manifest manifest, IReadOnlyCollection<PartitionOutcome> outcomes, DateTimeOffset endedAt)
    {
        var segments = outcomes.SelectMany(o => OfRun(manifest, o.Work.Id, run.RunId)).ToArray();
        return new BackupResult
        {
            BackupId = work.Options.BackupId,
            Path = location,
            StorageOption = work.Options.Store.Options ?? new Dictionary<string, string>(),
            RunId = run.RunId,
            Status = run.State,
            StartedAt = run.StartedAt,
            EndedAt = endedAt,
            SegmentCount = outcomes.Sum(o => o.Segments),
            RecordCount = outcomes.Sum(o => o.Records),
            Bytes = outcomes.Sum(o => o.Bytes),
            StoredBytes = outcomes.Sum(o => o.StoredBytes),
            FirstTimestampMs = segments.Length == 0 ? null : segments.Min(s => s.MinTimestamp),
            LastTimestampMs = segments.Length == 0 ? null : segments.Max(s => s.MaxTimestamp),
            HeadSkew = HeadSkew.Of(manifest, outcomes.Select(o => o.Work.Id.Topic).ToHashSet(StringComparer.Ordinal)),
            ConsistentAtMs = work.CutAtMs,
            Gaps = ItemList.From(Gaps(manifest, run)),
            Topics = ItemList.From(outcomes
                .GroupBy(o => o.Work.Id.Topic, StringComparer.Ordinal)
                .OrderBy(t => t.Key, StringComparer.Ordinal)
                .Select(t => new BackupTopicResult { Topic = t.Key, Partitions = ItemList.From(t.OrderBy(o => o.Work.Id).Select(o => Partition(o, manifest)).ToArray()) })
                .ToArray()),
            Findings = ItemList.From(work.Findings),
        };
    }

    private static BackupPartitionResult Partition(PartitionOutcome outcome, Manifest manifest)
    {
        var segments = manifest.Topics.GetValueOrDefault(outcome.Work.Id.Topic)?.Partitions.GetValueOrDefault(outcome.Work.Id.Partition)?.Segments ?? [];
        return new BackupPartitionResult
        {
            Topic = outcome.Work.Id.Topic,
            Partition = outcome.Work.Id.Partition,
            Status = outcome.Status,
            CapturedStart = outcome.Work.CapturedStart,
            CapturedEnd = outcome.Work.CapturedEnd,
            StoredFrom = outcome.Work.ReadFrom,
            StoredTo = outcome.StoredTo,
            RecordCount = outcome.Records,
            Bytes = outcome.Bytes,
            HeadTimestampMs = segments.Count == 0 ? null : segments[^1].HeadTimestamp,
            HeldByTransaction = outcome.Work.HeldByTransaction,
            LateRecords = outcome.LateRecords,
            ErrorId = outcome.Error?.ErrorId,
            ErrorMessage = outcome.Error?.Message,
        };
    }

    /// <summary>The newest segments of a partition are at the list's end; those of earlier runs come before them.</summary>
    private static IEnumerable<SegmentEntry> OfRun(Manifest manifest, TopicPartition id, string runId)
    {
        var segments = manifest.Topics.GetValueOrDefault(id.Topic)?.Partitions.GetValueOrDefault(id.Partition)?.Segments ?? [];
        for (var i = segments.Count - 1; i >= 0 && segments[i].RunId == runId; i--)
        {
            yield return segments[i];
        }
    }

    private static IEnumerable<GapInfo> Gaps(Manifest manifest, RunEntry run) =>
        from topic in manifest.Topics.Values
        from partition in topic.Partitions.Values
        from gap in partition.Gaps
        where gap.NoticedAt >= run.StartedAt
        select new GapInfo(topic.Name, partition.Partition, gap.FromOffset, gap.ToOffset, gap.Reason);
}
