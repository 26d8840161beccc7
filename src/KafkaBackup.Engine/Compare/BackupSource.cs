using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Format.Segments;

namespace KafkaBackup.Engine.Compare;

/// <summary>Topics of a backup, as its manifest stood when the comparison began.</summary>
internal sealed class BackupSource(BackupCatalog catalog, string backupId, IEngineEvents events) : CompareSource
{
    /// <summary>Neighbouring blocks are fetched together: a round trip to an object store costs as much as some megabytes.</summary>
    private const int ReadAhead = 4 << 20;

    private readonly BlockBufferPool _pool = new(32 << 20);
    private OpenedBackup? _backup;

    public override string Name => $"Backup {backupId}";

    public override string? ClusterId => Manifest.SourceClusterId;

    public override IReadOnlyDictionary<string, SideTopic> Topics =>
        Manifest.Topics.Values.ToDictionary(
            t => t.Name,
            t => new SideTopic(t.Name, t.TopicId, t.Partitions.Keys.Order().ToArray()),
            StringComparer.Ordinal
        );

    /// <summary>The other tool's format does not hold it.</summary>
    public override bool TellsTimestampType => !Opened.IsForeign;

    private Manifest Manifest => Opened.Manifest;

    private OpenedBackup Opened => _backup ?? throw new InvalidOperationException("The backup is not open yet.");

    public override async Task OpenAsync(CancellationToken cancel)
    {
        _backup = await catalog.OpenAsync(backupId, cancel).ConfigureAwait(false);
        foreach (var finding in _backup.Findings.Where(f => f.Severity != FindingSeverity.Information))
        {
            events.Warning($"{finding.Message} {finding.Advice}");
        }
    }

    public override Task<IReadOnlyDictionary<TopicPartition, SidePartition>> CaptureAsync(
        IReadOnlyCollection<TopicPartition> partitions,
        CancellationToken cancel
    ) =>
        Task.FromResult<IReadOnlyDictionary<TopicPartition, SidePartition>>(
            partitions.ToDictionary(
                p => p,
                p =>
                {
                    var segments = Segments(p);
                    return segments.Count == 0
                        ? new SidePartition(p, 0, 0)
                        : new SidePartition(p, segments[0].FirstOffset, segments[^1].LastOffset + 1);
                }
            )
        );

    public override SideReader OpenReader() => new Reader(this);

    public override async ValueTask DisposeAsync()
    {
        _pool.Dispose();
        await catalog.Store.DisposeAsync().ConfigureAwait(false);
    }

    private IReadOnlyList<SegmentEntry> Segments(TopicPartition id) => Manifest.Topics[id.Topic].Partitions[id.Partition].Segments;

    private StoredSegment SegmentOf(TopicPartition id, SegmentEntry entry) => catalog.Segment(Opened, id.Topic, id.Partition, entry);

    private sealed class Reader(BackupSource source) : SideReader
    {
        public override void Read(SidePartition partition, long from, bool mayBeginLater, RecordTaker taker, CancellationToken cancel)
        {
            // Walking a block's records cannot be suspended: the thread is the comparison's own, and waits.
            try
            {
                ReadAsync(partition.Id, from, taker, cancel).GetAwaiter().GetResult();
            }
            catch (SegmentDamagedException e)
            {
                throw e.Damage.ToError(e);
            }
        }

        public override void Dispose() { }

        private async Task ReadAsync(TopicPartition id, long from, RecordTaker taker, CancellationToken cancel)
        {
            foreach (var entry in source.Segments(id).Where(s => s.LastOffset >= from))
            {
                cancel.ThrowIfCancellationRequested();
                if (taker.TakeWhole(entry.RecordCount, entry.HeadTimestamp) || entry.RecordCount == 0)
                {
                    continue;
                }

                var segment = source.SegmentOf(id, entry);
                await foreach (
                    var block in segment
                        .ReadBlocksAsync(source._pool, info => info.Stats.LastOffset >= from, ReadAhead, cancel)
                        .ConfigureAwait(false)
                )
                {
                    using (block)
                    {
                        if (!TakeAll(block, from, taker))
                        {
                            return;
                        }
                    }
                }
            }
        }

        private static bool TakeAll(RecordBlock block, long from, RecordTaker taker)
        {
            foreach (var record in block)
            {
                if (record.Offset >= from && !taker.Take(record))
                {
                    return false;
                }
            }

            return true;
        }
    }
}
