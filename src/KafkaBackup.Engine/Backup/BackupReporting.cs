using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Backup;

/// <summary>Makes the result that users see from what became of the partitions.</summary>
internal static class BackupReporting
{
    public static BackupResult Result(
        BackupWork work,
        string location,
        RunEntry run,
        Manifest manifest,
        IReadOnlyCollection<PartitionOutcome> outcomes,
        IEnumerable<GapInfo> gaps,
        IEnumerable<Finding> findings,
        DateTimeOffset endedAt
    )
    {
        var times = outcomes.Select(o => o.Timestamps).OfType<(long First, long Last)>().ToArray();
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
            FirstTimestampMs = times.Length == 0 ? null : times.Min(t => t.First),
            LastTimestampMs = times.Length == 0 ? null : times.Max(t => t.Last),
            HeadSkew = HeadSkew.Of(manifest, outcomes.Select(o => o.Work.Id.Topic).ToHashSet(StringComparer.Ordinal)),
            ConsistentAtMs = work.CutAtMs,
            Gaps = ItemList.From(gaps),
            Topics = ItemList.From(
                outcomes
                    .GroupBy(o => o.Work.Id.Topic, StringComparer.Ordinal)
                    .OrderBy(t => t.Key, StringComparer.Ordinal)
                    .Select(t => new BackupTopicResult
                    {
                        Topic = t.Key,
                        Partitions = ItemList.From(t.OrderBy(o => o.Work.Id).Select(o => Partition(o, manifest)).ToArray()),
                    })
                    .ToArray()
            ),
            Findings = ItemList.From(findings),
        };
    }

    private static BackupPartitionResult Partition(PartitionOutcome outcome, Manifest manifest)
    {
        var segments =
            manifest.Topics.GetValueOrDefault(outcome.Work.Id.Topic)?.Partitions.GetValueOrDefault(outcome.Work.Id.Partition)?.Segments
            ?? [];
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
}
