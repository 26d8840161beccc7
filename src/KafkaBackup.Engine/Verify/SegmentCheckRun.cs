using System.Collections.Concurrent;
using System.Text;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Format.Segments;

namespace KafkaBackup.Engine.Verify;

/// <summary>What reading segments byte by byte has shown.</summary>
internal sealed record SegmentCheckTotals(int Segments, long Records, IReadOnlyList<Finding> Findings);

/// <summary>
/// Reads every byte of segments, a few side by side with bounded memory (rule D2): block checksums, decoding, counts, order, and whether it
/// is the file that the manifest names. A damaged one is read again before it is called so.
/// </summary>
internal sealed class SegmentCheckRun(BackupCatalog catalog, OpenedBackup backup, TimeProvider clock, IEngineEvents events)
{
    private const int SegmentsAtOnce = 4;
    private const long PoolBytes = 64L << 20;

    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(250);

    private readonly ConcurrentBag<Finding> _findings = [];
    private readonly long _start = clock.GetTimestamp();
    private readonly object _gate = new();
    private long _shownAt;
    private int _segments;
    private long _records;
    private long _bytes;

    /// <summary>
    /// Which turn of a sampled check reads a segment follows from its key alone: all turns together read everything, and segments that come
    /// or go move no other to another turn.
    /// </summary>
    public static bool IsInSample(string key, Sample sample) =>
        Crc32C.Compute(Encoding.UTF8.GetBytes(key)) % (uint)sample.Turns == (uint)(sample.Turn - 1);

    public async Task<SegmentCheckTotals> RunAsync(IReadOnlyCollection<PlacedSegment> segments, CancellationToken cancel)
    {
        using var pool = new BlockBufferPool(PoolBytes);
        var total = segments.Sum(s => s.Entry.RecordCount);
        var options = new ParallelOptions { MaxDegreeOfParallelism = SegmentsAtOnce, CancellationToken = cancel };
        await Parallel
            .ForEachAsync(
                segments,
                options,
                async (segment, c) =>
                {
                    await CheckAsync(segment, pool, c).ConfigureAwait(false);
                    Show(segment, total);
                }
            )
            .ConfigureAwait(false);
        return new SegmentCheckTotals(_segments, _records, _findings.OrderBy(f => f.Place, StringComparer.Ordinal).ToArray());
    }

    private async Task CheckAsync(PlacedSegment segment, BlockBufferPool pool, CancellationToken cancel)
    {
        var stored = catalog.Segment(backup, segment.Topic, segment.Partition, segment.Entry);
        var findings = await LookAsync(stored, pool, cancel).ConfigureAwait(false);
        if (findings.Count == 0)
        {
            return;
        }

        var again = await LookAsync(stored, pool, cancel).ConfigureAwait(false);
        foreach (var finding in again.Count == 0 ? [TransientDamage.Finding(stored.Key)] : again)
        {
            _findings.Add(finding);
        }
    }

    private async Task<IReadOnlyList<Finding>> LookAsync(StoredSegment stored, BlockBufferPool pool, CancellationToken cancel)
    {
        try
        {
            var check = await stored.CheckAsync(pool, cancel).ConfigureAwait(false);
            var damages = check.Against(stored.Entry).Select(d => (d with { Place = stored.Key }).ToFinding()).ToArray();
            if (damages.Length > 0 || (Misplaced(stored, check) ?? OfAnother(stored, check)) is not { } misplaced)
            {
                if (damages.Length == 0)
                {
                    Interlocked.Increment(ref _segments);
                    Interlocked.Add(ref _records, check.Summary.Stats.RecordCount);
                    Interlocked.Add(ref _bytes, check.Summary.StoredBytes);
                }

                return damages;
            }

            return [misplaced];
        }
        catch (KafkaBackupException error) when (error.Definition == ErrorIds.SegmentMissing)
        {
            return [new Finding(FindingSeverity.Error, FindingKind.Missing, stored.Key, error.Message, error.Advice)];
        }
        catch (KafkaBackupException error) when (error.Definition == ErrorIds.FormatTooNew)
        {
            return [new Finding(FindingSeverity.Error, FindingKind.Corrupt, stored.Key, error.Message, error.Advice)];
        }
        catch (KafkaBackupException error) when (error.Definition == ErrorIds.StoreRead)
        {
            // A bad sector under one segment does not keep the others from being checked.
            return
            [
                new Finding(
                    FindingSeverity.Error,
                    FindingKind.Corrupt,
                    stored.Key,
                    $"Segment '{stored.Key}' cannot be read: {error.Message}",
                    error.Advice
                ),
            ];
        }
    }

    /// <summary>
    /// A segment that is whole and the one that the manifest names, but holds another partition's records: the manifest itself is wrong.
    /// </summary>
    private static Finding? Misplaced(StoredSegment stored, SegmentCheck check) =>
        check.Header is { } header && (header.Topic != stored.Topic || header.Partition != stored.Partition)
            ? new Finding(
                FindingSeverity.Error,
                FindingKind.Corrupt,
                stored.Key,
                $"Segment '{stored.Key}' holds records of {new TopicPartition(header.Topic, header.Partition)}, the manifest says {new TopicPartition(stored.Topic, stored.Partition)}.",
                "Do not restore this partition from this backup before you know who changed it."
            )
            : null;

    private Finding? OfAnother(StoredSegment stored, SegmentCheck check) =>
        check.Header is { } header && !backup.Owner.Owns(header.BackupId)
            ? new Finding(
                FindingSeverity.Error,
                FindingKind.Corrupt,
                stored.Key,
                $"Segment '{stored.Key}' is of backup '{header.BackupId}', not of '{backup.Manifest.BackupId}'.",
                "Do not restore this partition from this backup before you know who changed it."
            )
            : null;

    private void Show(PlacedSegment segment, long total)
    {
        lock (_gate)
        {
            if (_shownAt != 0 && clock.GetElapsedTime(_shownAt) < Pace)
            {
                return;
            }

            _shownAt = clock.GetTimestamp();
        }

        events.Progress(
            new ProgressInfo(
                "Checking",
                Interlocked.Read(ref _records),
                total,
                Interlocked.Read(ref _bytes),
                clock.GetElapsedTime(_start),
                [new TopicProgress(segment.Topic, 0, null)]
            )
        );
    }
}
