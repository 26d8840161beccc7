using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Restore;

/// <summary>A source partition, and the partition of the same number that its records are expected in.</summary>
internal sealed record ScanPair(TopicPartition Source, TopicPartition Target, PartitionEntry Entry);

/// <summary>Where a source partition's records are.</summary>
/// <param name="KnownFrom">Whose the records of source offsets below this are is not known.</param>
internal sealed record ScannedRun(TopicPartition Target, OffsetMap Map, long KnownFrom = 0)
{
    /// <summary>
    /// Only what the backup still holds: older runs of it may have been removed, or those records never were this partition's.
    /// </summary>
    public static ScannedRun Of(TopicPartition target, OffsetMap run, PartitionEntry entry)
    {
        var oldest = entry.Segments[0].FirstOffset;
        return run.Ranges[0].SourceStart >= oldest ? new ScannedRun(target, run) : new ScannedRun(target, run.From(oldest), oldest);
    }

    /// <summary>Where the group goes on; null where that is not known.</summary>
    public long? Translate(long offset) => offset < KnownFrom ? null : Map.Translate(offset);
}

/// <summary>
/// Which restored records are which source partition's. A record tells its original offset and not its original partition, and a restore
/// may have mapped or merged partitions: a group's offset carried over to the wrong partition would skip or repeat records. So records of
/// each run are looked up in the backup. Only proof counts: what the backup cannot confirm has no target.
/// </summary>
internal sealed class ScannedPartitions(
    IKafkaCluster cluster,
    BackupCatalog catalog,
    OpenedBackup backup,
    TimeProvider clock,
    IEngineEvents events
) : IDisposable
{
    private const long PoolBytes = 16L << 20;

    /// <summary>Ranges of a run that are looked up, each by its first and its last record.</summary>
    private const int MostRanges = 4;

    private readonly OriginalOffsetScan _scan = new(cluster, clock, events);
    private readonly RangeReader _reader = new(
        cluster,
        new ReaderOptions(IsolationLevel.ReadCommitted, QueuedBytes: 4 << 20),
        clock,
        events
    );
    private readonly BlockBufferPool _pool = new(PoolBytes);
    private readonly Dictionary<TopicPartition, IReadOnlyList<OffsetMap>> _runs = [];
    private readonly HashSet<OffsetMap> _taken = new(ReferenceEqualityComparer.Instance);

    /// <param name="ends">Log ends of all partitions of the target topics.</param>
    public async Task<IReadOnlyDictionary<TopicPartition, ScannedRun>> FindAsync(
        IReadOnlyCollection<ScanPair> pairs,
        IReadOnlyDictionary<TopicPartition, long> ends,
        CancellationToken cancel
    )
    {
        var found = new Dictionary<TopicPartition, ScannedRun>();
        foreach (var pair in pairs.Where(p => ends.ContainsKey(p.Target)))
        {
            await TakeAsync(pair, pair.Target, ends, found, cancel).ConfigureAwait(false);
        }

        foreach (var pair in pairs.Where(p => !found.ContainsKey(p.Source)))
        {
            foreach (var other in ends.Keys.Where(t => t.Topic == pair.Target.Topic && t != pair.Target).Order())
            {
                if (await TakeAsync(pair, other, ends, found, cancel).ConfigureAwait(false))
                {
                    events.Verbose($"The records of {pair.Source} are in {other}, by their content.");
                    break;
                }
            }
        }

        foreach (var pair in pairs.Where(p => !found.ContainsKey(p.Source) && ends.ContainsKey(p.Target)))
        {
            if ((await RunsAsync(pair.Target, ends, cancel).ConfigureAwait(false)).Count == 0)
            {
                found.Add(pair.Source, new ScannedRun(pair.Target, new OffsetMap()));
            }
            else
            {
                events.Warning(
                    $"The records in {pair.Target} are not known to be those of {pair.Source} in backup {backup.BackupId}, and no other partition has them: its row has no target. "
                        + "Was it restored from another backup, or were partitions merged? The restore's offset report knows (-OffsetReportPath)."
                );
            }
        }

        return found;
    }

    public void Dispose()
    {
        _reader.Dispose();
        _pool.Dispose();
    }

    /// <summary>Takes the newest run that holds the pair's records, if there is one.</summary>
    private async Task<bool> TakeAsync(
        ScanPair pair,
        TopicPartition target,
        IReadOnlyDictionary<TopicPartition, long> ends,
        Dictionary<TopicPartition, ScannedRun> found,
        CancellationToken cancel
    )
    {
        OffsetMap? newest = null;
        foreach (var run in (await RunsAsync(target, ends, cancel).ConfigureAwait(false)).Where(r => !_taken.Contains(r)))
        {
            if (await HoldsAsync(pair, target, run, cancel).ConfigureAwait(false))
            {
                if (newest is not null)
                {
                    events.Warning(
                        $"The records of {pair.Source} are in {target} more than once: they were restored again. Its row is about the newest of them."
                    );
                }

                newest = run;
                _taken.Add(run);
            }
        }

        return newest is not null && found.TryAdd(pair.Source, ScannedRun.Of(target, newest, pair.Entry));
    }

    private async Task<IReadOnlyList<OffsetMap>> RunsAsync(
        TopicPartition target,
        IReadOnlyDictionary<TopicPartition, long> ends,
        CancellationToken cancel
    )
    {
        if (!_runs.TryGetValue(target, out var runs))
        {
            _runs[target] = runs = await _scan.ReadAsync(target, 0, ends[target], cancel).ConfigureAwait(false);
        }

        return runs;
    }

    /// <summary>True when records of the run are that partition's, and none that was looked up is not.</summary>
    private async Task<bool> HoldsAsync(ScanPair pair, TopicPartition target, OffsetMap run, CancellationToken cancel)
    {
        var proven = false;
        foreach (var (source, place) in Samples(run, pair.Entry))
        {
            if (await StoredAsync(pair, source, cancel).ConfigureAwait(false) is { } stored)
            {
                if (Restored(target, place, cancel) is { } restored)
                {
                    if (!stored.IsAs(restored))
                    {
                        return false;
                    }

                    proven = true;
                }
            }
            else if (!pair.Entry.Gaps.Any(g => g.FromOffset <= source && source < g.ToOffset))
            {
                // The backup knows that this partition has no such record.
                return false;
            }
        }

        return proven;
    }

    /// <summary>Without what lies before the oldest stored record: older runs of the backup may have been removed.</summary>
    private static IEnumerable<(long Source, long Target)> Samples(OffsetMap run, PartitionEntry entry)
    {
        if (entry.Segments.Count == 0)
        {
            yield break;
        }

        var oldest = entry.Segments[0].FirstOffset;
        var ranges = run.Ranges.Where(r => r.SourceStart + r.Length > oldest).ToArray();
        var shown = Math.Min(ranges.Length, MostRanges);
        for (var i = 0; i < shown; i++)
        {
            var range = ranges[shown == 1 ? 0 : (int)((long)i * (ranges.Length - 1) / (shown - 1))];
            var skip = Math.Max(0, oldest - range.SourceStart);
            yield return (range.SourceStart + skip, range.TargetStart + skip);
            if (range.Length - 1 > skip)
            {
                yield return (range.SourceStart + range.Length - 1, range.TargetStart + range.Length - 1);
            }
        }
    }

    private async Task<Seen?> StoredAsync(ScanPair pair, long offset, CancellationToken cancel)
    {
        foreach (var entry in pair.Entry.Segments.Where(s => s.FirstOffset <= offset && offset <= s.LastOffset))
        {
            var segment = catalog.Segment(backup, pair.Source.Topic, pair.Source.Partition, entry);
            await foreach (
                var block in SegmentBlocks
                    .ReadAsync(segment, _pool, b => b.MayHoldOffset(offset, offset + 1), 0, cancel)
                    .ConfigureAwait(false)
            )
            {
                using (block)
                {
                    if (Find(block, offset) is { } seen)
                    {
                        return seen;
                    }
                }
            }
        }

        return null;
    }

    private static Seen? Find(RecordBlock block, long offset)
    {
        foreach (var record in block)
        {
            if (record.Offset == offset)
            {
                return Seen.Of(record, record.Timestamp);
            }
        }

        return null;
    }

    private Seen? Restored(TopicPartition target, long offset, CancellationToken cancel)
    {
        Seen? seen = null;
        _reader.Read(target, offset, offset + 1, DeletedRecords.Pass, Take, cancel);
        return seen;

        bool Take(in RecordView record)
        {
            seen = Seen.Of(record, OriginalOffset.TimestampOf(record));
            return false;
        }
    }

    /// <summary>
    /// What a restore never changes: key and value, and the time as it says itself. The record's own may be the target broker's.
    /// </summary>
    private sealed record Seen(string? Key, string? Value, long? Timestamp)
    {
        public static Seen Of(in RecordView record, long? timestamp) =>
            new(
                record.KeyIsNull ? null : Convert.ToHexString(record.Key),
                record.ValueIsNull ? null : Convert.ToHexString(record.Value),
                timestamp
            );

        public bool IsAs(Seen restored) =>
            Key == restored.Key && Value == restored.Value && (restored.Timestamp is null || restored.Timestamp == Timestamp);
    }
}
