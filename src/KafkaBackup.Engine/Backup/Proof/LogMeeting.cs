using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Backup;

/// <summary>What is stored of a partition, to be met in its log again.</summary>
/// <param name="MayBeGone">Stored records may rightly be missing from what the log gives a reader of committed records.</param>
internal sealed record StoredLog(TopicPartition Id, PartitionEntry Stored, bool MayBeGone);

/// <summary>What came of it.</summary>
/// <param name="Other">Set when the log is not the one that the stored records came from.</param>
/// <param name="Unknown">Set when that could not be found out.</param>
internal sealed record LogVerdict(KafkaBackupException? Other = null, KafkaBackupException? Unknown = null);

/// <summary>
/// Tells whether logs are still the ones that their stored records came from, for topics without ids (rule B8): ends and leader epochs
/// must not have gone back, and records from the beginning, the middle and the end of what is stored must be the same in the log. Where
/// compaction has removed one, the next one in the log must be stored: compaction removes records, it never adds any.
/// </summary>
internal sealed class LogMeeting(IKafkaCluster cluster, IStore store, SegmentOwner owner, TimeProvider clock)
{
    /// <summary>A log start that moves on while we look means looking again.</summary>
    private const int Looks = 3;

    private const long PoolBytes = 4L << 20;

    /// <param name="patience">For how long a log may give nothing before that is the answer: it could not be found out.</param>
    public async Task<IReadOnlyDictionary<TopicPartition, LogVerdict>> CompareAsync(
        IReadOnlyCollection<StoredLog> logs,
        TimeSpan patience,
        CancellationToken cancel
    )
    {
        var verdicts = new Dictionary<TopicPartition, LogVerdict>();
        var open = logs.Where(l => l.Stored.Segments.Count > 0).ToDictionary(l => l.Id);
        for (var look = 1; open.Count > 0; look++)
        {
            var moved = await LookAsync([.. open.Values], verdicts, patience, cancel).ConfigureAwait(false);
            open = open.Where(l => moved.Contains(l.Key)).ToDictionary();
            if (look == Looks)
            {
                foreach (var id in open.Keys)
                {
                    verdicts[id] = new LogVerdict(
                        Unknown: ErrorIds.PartitionRead.With(
                            $"The log of partition {id} changes faster than it can be looked at.",
                            id.ToString()
                        )
                    );
                }

                break;
            }
        }

        return verdicts;
    }

    /// <summary>Returns the partitions whose bounds moved meanwhile.</summary>
    private async Task<HashSet<TopicPartition>> LookAsync(
        StoredLog[] logs,
        Dictionary<TopicPartition, LogVerdict> verdicts,
        TimeSpan patience,
        CancellationToken cancel
    )
    {
        var ids = logs.Select(l => l.Id).ToArray();
        var starts = await cluster.ListOffsetsAsync(ids, OffsetBound.Earliest, cancel).ConfigureAwait(false);
        var ends = await cluster.ListOffsetsAsync(ids, OffsetBound.HighWatermark, cancel).ConfigureAwait(false);
        var uncommitted = logs.Where(l => l.MayBeGone).Select(l => l.Id).ToArray();
        IReadOnlyDictionary<TopicPartition, OffsetAnswer> stable =
            uncommitted.Length == 0
                ? new Dictionary<TopicPartition, OffsetAnswer>()
                : await cluster.ListOffsetsAsync(uncommitted, OffsetBound.LastStable, cancel).ConfigureAwait(false);
        var probes = new List<LogProbe>();
        foreach (var log in logs)
        {
            verdicts[log.Id] = Bounds(log, starts[log.Id], ends[log.Id]);
            if (verdicts[log.Id] is { Other: null, Unknown: null })
            {
                // A reader of committed records is given nothing from an open transaction on, not even an end.
                probes.AddRange(
                    Probes(log, starts[log.Id].Offset ?? 0).Where(p => !(stable.GetValueOrDefault(log.Id)?.Offset <= p.Offset))
                );
            }
        }

        await LogProber.ReadAsync(cluster, clock, probes, patience, cancel).ConfigureAwait(false);
        using var pool = new BlockBufferPool(PoolBytes);
        foreach (var probe in probes.Where(p => !p.IsOutOfRange && verdicts[p.Log.Id] is { Other: null, Unknown: null }))
        {
            verdicts[probe.Log.Id] = await JudgeAsync(probe, pool, cancel).ConfigureAwait(false);
        }

        return [.. probes.Where(p => p.IsOutOfRange && verdicts[p.Log.Id] is { Other: null, Unknown: null }).Select(p => p.Log.Id)];
    }

    private static LogVerdict Bounds(StoredLog log, OffsetAnswer start, OffsetAnswer end)
    {
        if ((start.Error ?? end.Error) is { } error)
        {
            return new LogVerdict(Unknown: error);
        }

        if (end.Offset < log.Stored.NextOffset)
        {
            return Another(log, $"it ends at offset {end.Offset}, before offset {log.Stored.NextOffset} that is backed up");
        }

        return log.Stored.LastRecord is { } last && end.LeaderEpoch >= 0 && end.LeaderEpoch < last.LeaderEpoch
            ? Another(log, $"its leader epoch is {end.LeaderEpoch}, and was {last.LeaderEpoch} when offset {last.Offset} was backed up")
            : new LogVerdict();
    }

    private static IEnumerable<LogProbe> Probes(StoredLog log, long start)
    {
        var last = LastOf(log.Stored);
        var first = Math.Max(log.Stored.Segments[0].FirstOffset, start);
        return first > last
            ? []
            : new[] { first, first + ((last - first) / 2), last }.Distinct().Select(offset => new LogProbe(log, offset));
    }

    private static long LastOf(PartitionEntry stored) => Math.Max(stored.LastRecord?.Offset ?? 0, stored.Segments[^1].LastOffset);

    private async Task<LogVerdict> JudgeAsync(LogProbe probe, BlockBufferPool pool, CancellationToken cancel)
    {
        var (log, stored) = (probe.Log, probe.Log.Stored);
        if (probe.Failure is { } failure)
        {
            return new LogVerdict(Unknown: failure);
        }

        if (probe.Found is not { } found || found.Offset > LastOf(stored))
        {
            return log.MayBeGone
                ? new LogVerdict()
                : Another(log, $"no record from offset {probe.Offset} to {LastOf(stored)} is there any more");
        }

        if (!log.MayBeGone && probe.Offset == LastOf(stored) && found.Offset != probe.Offset)
        {
            return Another(log, $"the record at offset {probe.Offset} that was backed up is not there any more");
        }

        var isLast = found.Offset == stored.LastRecord?.Offset;
        if (isLast && found.LeaderEpoch >= 0 && stored.LastRecord!.LeaderEpoch >= 0 && found.LeaderEpoch != stored.LastRecord.LeaderEpoch)
        {
            return Another(
                log,
                $"the record at offset {found.Offset} is of leader epoch {found.LeaderEpoch}, and was of {stored.LastRecord.LeaderEpoch} when it was backed up"
            );
        }

        var digest = isLast ? stored.LastRecord!.Digest : await StoredDigestAsync(log, found.Offset, pool, cancel).ConfigureAwait(false);
        return digest is null || found.Digests.Contains(digest)
            ? new LogVerdict()
            : Another(log, $"the record at offset {found.Offset} is not the one that was backed up");
    }

    /// <summary>Empty when the backup has none at this offset though it has its neighbours; null when the backup cannot tell.</summary>
    private async Task<string?> StoredDigestAsync(StoredLog log, long offset, BlockBufferPool pool, CancellationToken cancel)
    {
        if (log.Stored.Segments.FirstOrDefault(s => s.FirstOffset <= offset && offset <= s.LastOffset) is not { } entry)
        {
            return null;
        }

        try
        {
            var segment = new StoredSegment(store, owner, log.Id.Topic, log.Id.Partition, entry);
            await foreach (
                var block in segment
                    .ReadBlocksAsync(pool, b => b.Stats.FirstOffset <= offset && offset <= b.Stats.LastOffset, 0, cancel)
                    .ConfigureAwait(false)
            )
            {
                using (block)
                {
                    if (DigestAt(block, offset) is { } digest)
                    {
                        return digest;
                    }
                }
            }

            return "";
        }
        catch (SegmentDamagedException)
        {
            // Of a damaged segment Test-KafkaBackup speaks; it says nothing about the log.
            return null;
        }
        catch (KafkaBackupException error)
            when (error.Definition == ErrorIds.SegmentMissing || (error.Definition == ErrorIds.StoreRead && !StoreFault.IsTransient(error)))
        {
            // Nor does one that is missing or cannot be read.
            return null;
        }
    }

    private static string? DigestAt(RecordBlock block, long offset)
    {
        foreach (var record in block)
        {
            if (record.Offset == offset)
            {
                return RecordDigest.Of(record);
            }
        }

        return null;
    }

    private static LogVerdict Another(StoredLog log, string what) =>
        new(
            Other: ErrorIds.LogTruncated.With(
                $"Partition {log.Id} does not go on from what is backed up: {what}. Its log was truncated, or the topic was deleted and created again.",
                log.Id.ToString()
            )
        );
}
