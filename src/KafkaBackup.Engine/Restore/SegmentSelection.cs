using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Format.Segments;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Which records of a partition are in the window, exactly (SEMANTICS D1, D6): most segments are in or out as a whole by their timestamps; of
/// those at the window's edges the blocks are, and only the blocks at the edges are read and counted.
/// </summary>
internal sealed class SegmentSelection(BackupCatalog catalog, OpenedBackup backup, TimeWindow window, BlockBufferPool pool)
{
    /// <summary>Damage that was met while counting; the segment is left out of the selection.</summary>
    public List<Finding> Damages { get; } = [];

    public async Task<SourceWork> SelectAsync(TopicPartition source, IEnumerable<SegmentEntry> segments, CancellationToken cancel)
    {
        var selected = new List<SegmentWork>();
        foreach (var entry in segments.Where(s => s.RecordCount > 0 && window.Overlaps(s.MinTimestamp, s.MaxTimestamp)))
        {
            if (!backup.IsForeign && (window.IsUnbounded || (window.Contains(entry.MinTimestamp) && window.Contains(entry.MaxTimestamp))))
            {
                selected.Add(new SegmentWork(
                    entry, entry.RecordCount, entry.Bytes, true, entry.FirstOffset, entry.LastOffset, entry.MinTimestamp, entry.MaxTimestamp, entry.ZeroTimestamps, entry.LargestRecord));
            }
            else if (await CountAsync(source, entry, cancel).ConfigureAwait(false) is { RecordCount: > 0 } counted)
            {
                selected.Add(counted);
            }
        }

        return new SourceWork(source, selected);
    }

    private async Task<SegmentWork?> CountAsync(TopicPartition source, SegmentEntry entry, CancellationToken cancel)
    {
        var stored = catalog.Segment(backup, source.Topic, source.Partition, entry);
        var count = new WindowCount();
        try
        {
            // Of a block that is inside as a whole the index tells everything; only the largest record's size is then an upper bound.
            bool IsEdge(BlockInfo block)
            {
                if (!window.Overlaps(block.Stats.MinTimestamp, block.Stats.MaxTimestamp))
                {
                    return false;
                }

                if (backup.IsForeign || !window.Contains(block.Stats.MinTimestamp) || !window.Contains(block.Stats.MaxTimestamp))
                {
                    return true;
                }

                count.Add(block.Stats);
                return false;
            }

            await foreach (var block in stored.ReadBlocksAsync(pool, IsEdge, readAhead: 0, cancel).ConfigureAwait(false))
            {
                using (block)
                {
                    count.Add(block, window);
                }
            }
        }
        catch (SegmentDamagedException damage)
        {
            Damages.Add(damage.Damage.ToFinding() with { CanForce = true, Advice = "Put the file back from a copy; or restore the rest with -Force, which leaves this segment out." });
            return null;
        }
        catch (KafkaBackupException error) when (error.Definition == ErrorIds.SegmentMissing)
        {
            // The look at all segments' presence reports it.
            return null;
        }

        return count.ToWork(entry);
    }

    private sealed class WindowCount
    {
        private long _records;
        private long _bytes;
        private long _first = long.MaxValue;
        private long _last = long.MinValue;
        private long _min = long.MaxValue;
        private long _max = long.MinValue;
        private long _zero;
        private int _largest;

        public void Add(in BlockStats block)
        {
            _records += block.RecordCount;
            _bytes += block.PayloadBytes;
            _zero += block.ZeroTimestamps;
            Extend(block.FirstOffset, block.LastOffset, block.MinTimestamp, block.MaxTimestamp, block.LargestRecord);
        }

        public void Add(RecordBlock block, TimeWindow window)
        {
            foreach (var record in block)
            {
                if (window.Contains(record.Timestamp))
                {
                    _records++;
                    _bytes += record.PayloadBytes;
                    _zero += record.Timestamp == 0 ? 1 : 0;
                    Extend(record.Offset, record.Offset, record.Timestamp, record.Timestamp, record.PayloadBytes);
                }
            }
        }

        public SegmentWork ToWork(SegmentEntry entry) => new(entry, _records, _bytes, _records == entry.RecordCount, _first, _last, _min, _max, _zero, _largest);

        private void Extend(long first, long last, long min, long max, int largest)
        {
            _first = Math.Min(_first, first);
            _last = Math.Max(_last, last);
            _min = Math.Min(_min, min);
            _max = Math.Max(_max, max);
            _largest = Math.Max(_largest, largest);
        }
    }
}
