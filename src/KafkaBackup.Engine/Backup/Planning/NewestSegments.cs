using System.Collections.Concurrent;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Looks whether the segments are there that a run builds on: each partition's newest. A run stores what is new all the same, but a backup
/// that has lost what its manifest names is not complete, and a reader of nightly results must see it there.
/// </summary>
internal static class NewestSegments
{
    private const int LooksAtOnce = 16;

    private const int NamesTold = 5;

    /// <summary>Null when all are there.</summary>
    /// <param name="topics">Those that the run is about.</param>
    public static async Task<KafkaBackupException?> FindMissingAsync(
        IStore store,
        string backupId,
        Manifest manifest,
        IEnumerable<string> topics,
        CancellationToken cancel
    )
    {
        var newest = topics
            .Select(t => manifest.Topics.GetValueOrDefault(t))
            .OfType<TopicEntry>()
            .SelectMany(t =>
                t.Partitions.Values.Where(p => p.Segments.Count > 0)
                    .Select(p => (Id: new TopicPartition(t.Name, p.Partition), Segment: p.Segments[^1]))
            )
            .ToArray();
        var wrong = new ConcurrentBag<(TopicPartition Id, SegmentEntry Segment, long? Size)>();
        await Parallel
            .ForEachAsync(
                newest,
                new ParallelOptions { MaxDegreeOfParallelism = LooksAtOnce, CancellationToken = cancel },
                async (look, c) =>
                {
                    var found = await store.FindAsync(BackupKeys.Of(backupId, look.Segment.Key), c).ConfigureAwait(false);
                    if (found?.Size != look.Segment.StoredBytes)
                    {
                        wrong.Add((look.Id, look.Segment, found?.Size));
                    }
                }
            )
            .ConfigureAwait(false);
        return wrong.IsEmpty ? null : Describe([.. wrong.OrderBy(w => w.Id)], newest.Length, backupId, store.Location);
    }

    private static KafkaBackupException Describe(
        (TopicPartition Id, SegmentEntry Segment, long? Size)[] wrong,
        int looked,
        string backupId,
        string location
    )
    {
        var told = string.Join(
            "; ",
            wrong
                .Take(NamesTold)
                .Select(w =>
                    $"{w.Id} offsets {w.Segment.FirstOffset} to {w.Segment.LastOffset}{(w.Size is { } size ? $" ({size} bytes of {w.Segment.StoredBytes})" : "")}"
                )
        );
        var more = wrong.Length > NamesTold ? $"; and {wrong.Length - NamesTold} more" : "";
        return ErrorIds.SegmentMissing.With(
            $"Backup '{backupId}' in {location} has lost data: the newest segment of {wrong.Length} of {looked} partitions is missing or cut off: {told}{more}.",
            backupId,
            "Run Test-KafkaBackup for the extent of the damage, and Repair-KafkaBackup to take what is lost out of the backup; what the source still has can be backed up under a new backup id."
        );
    }
}
