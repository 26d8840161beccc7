using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Format.Segments;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// How many records of a partition a plan takes, exactly (rules D1, D6): most segments are in or out as a whole by their timestamps; of
/// those at the window's edges the blocks are, and only the blocks at the edges are read and counted.
/// </summary>
internal sealed class SegmentSelection(BackupCatalog catalog, OpenedBackup backup, BlockBufferPool pool)
{
    private readonly List<Finding> _damages = [];

    public async Task<IReadOnlyList<SegmentWork>> SelectAsync(
        TopicPartition source,
        IEnumerable<SegmentEntry> segments,
        RecordChoice choice,
        CancellationToken cancel
    )
    {
        var selected = new List<SegmentWork>();
        foreach (var entry in segments)
        {
            var offsets = new OffsetSpan(entry.FirstOffset, entry.LastOffset);
            if (!choice.MayHold(offsets, entry.MinTimestamp, entry.MaxTimestamp))
            {
                continue;
            }

            if (!backup.IsForeign && choice.TakesAll(offsets, entry.MinTimestamp, entry.MaxTimestamp))
            {
                selected.Add(
                    new SegmentWork(
                        entry,
                        entry.RecordCount,
                        entry.Bytes,
                        true,
                        entry.FirstOffset,
                        entry.LastOffset,
                        entry.MinTimestamp,
                        entry.MaxTimestamp,
                        entry.LargestRecord
                    )
                );
            }
            else if (await CountAsync(source, entry, choice, cancel).ConfigureAwait(false) is { RecordCount: > 0 } counted)
            {
                selected.Add(counted);
            }
        }

        return selected;
    }

    /// <summary>Damage that was met while counting since the last call; the segment is left out of the selection.</summary>
    public IReadOnlyList<Finding> TakeDamages()
    {
        var taken = _damages.ToArray();
        _damages.Clear();
        return taken;
    }

    private async Task<SegmentWork?> CountAsync(TopicPartition source, SegmentEntry entry, RecordChoice choice, CancellationToken cancel)
    {
        var stored = catalog.Segment(backup, source.Topic, source.Partition, entry);
        var count = new WindowCount();
        try
        {
            // Of a block that is inside as a whole the index tells everything; only the largest record's size is then an upper bound.
            bool IsEdge(BlockInfo block)
            {
                if (!choice.MayHold(block.Stats))
                {
                    return false;
                }

                if (backup.IsForeign || !choice.TakesAll(block.Stats))
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
                    count.Add(block, choice);
                }
            }
        }
        catch (SegmentDamagedException damage)
        {
            _damages.Add(
                damage.Damage.ToFinding() with
                {
                    CanForce = true,
                    Advice =
                        "Put the file back from a copy; or restore the rest with -Force, which checks all of it first and leaves out what is damaged.",
                }
            );
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
        private int _largest;

        public void Add(in BlockStats block)
        {
            _records += block.RecordCount;
            _bytes += block.PayloadBytes;
            Extend(block.FirstOffset, block.LastOffset, block.MinTimestamp, block.MaxTimestamp, block.LargestRecord);
        }

        public void Add(RecordBlock block, RecordChoice choice)
        {
            foreach (var record in block)
            {
                if (choice.Takes(record.Offset, record.Timestamp))
                {
                    _records++;
                    _bytes += record.PayloadBytes;
                    Extend(record.Offset, record.Offset, record.Timestamp, record.Timestamp, record.PayloadBytes);
                }
            }
        }

        public SegmentWork ToWork(SegmentEntry entry) =>
            new(entry, _records, _bytes, _records == entry.RecordCount, _first, _last, _min, _max, _largest);

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
