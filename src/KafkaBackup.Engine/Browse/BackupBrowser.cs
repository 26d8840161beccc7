using System.Runtime.CompilerServices;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Browse;

/// <summary>
/// Shows records of a backup. Reads the blocks that can hold them and nothing else, and those only as they are asked for.
/// </summary>
internal sealed class BackupBrowser(Func<IStore> openStore)
{
    public async IAsyncEnumerable<RecordInfo> ReadAsync(
        string backupId,
        RecordQuery asked,
        [EnumeratorCancellation] CancellationToken cancel
    )
    {
        var query = BrowseQuery.From(asked);
        await using var store = openStore();
        var catalog = new BackupCatalog(store);
        var backup = await catalog.OpenAsync(backupId, cancel).ConfigureAwait(false);
        var topics = backup.Manifest.Topics.ToDictionary(
            t => t.Key,
            t => (IReadOnlyList<int>)t.Value.Partitions.Keys.ToArray(),
            StringComparer.Ordinal
        );
        using var pool = new BlockBufferPool(16 << 20);
        var found = false;
        foreach (var partition in BrowseQuery.PartitionsOf(query.Topics, query.Partitions, $"Backup {backupId}", topics))
        {
            await foreach (var record in ReadAsync(catalog, backup, partition, query, pool, cancel).ConfigureAwait(false))
            {
                found = true;
                yield return record;
            }
        }

        if (!found && query.Wanted is { } wanted)
        {
            throw NothingThere(backup, query, wanted);
        }
    }

    private static async IAsyncEnumerable<RecordInfo> ReadAsync(
        BackupCatalog catalog,
        OpenedBackup backup,
        TopicPartition partition,
        BrowseQuery query,
        BlockBufferPool pool,
        [EnumeratorCancellation] CancellationToken cancel
    )
    {
        var segments = backup.Manifest.Topics[partition.Topic].Partitions[partition.Partition].Segments;
        var left = query.Most;
        var leaveOut = query.Last is { } last ? Math.Max(0, segments.Sum(s => s.RecordCount) - last) : 0;
        foreach (var entry in segments)
        {
            if (leaveOut >= entry.RecordCount || !MayHold(backup, entry, query))
            {
                leaveOut -= Math.Min(leaveOut, entry.RecordCount);
                continue;
            }

            var segment = catalog.Segment(backup, partition.Topic, partition.Partition, entry);
            await using var blocks = segment.ReadBlocksAsync(pool, MayHoldAny, readAhead: 0, cancel).GetAsyncEnumerator(cancel);
            while (await NextAsync(blocks).ConfigureAwait(false) is { } block)
            {
                List<RecordInfo> records;
                using (block)
                {
                    records = Choose(block, partition, query, ref leaveOut, left);
                }

                left -= records.Count;
                foreach (var record in records)
                {
                    yield return record;
                }

                if (left == 0)
                {
                    yield break;
                }
            }
        }

        bool MayHoldAny(BlockInfo block)
        {
            if (leaveOut >= block.Stats.RecordCount)
            {
                leaveOut -= block.Stats.RecordCount;
                return false;
            }

            return (query.Offset is not { } offset || block.Stats.LastOffset >= offset)
                && query.Window.Overlaps(block.Stats.MinTimestamp, block.Stats.MaxTimestamp);
        }
    }

    private static async ValueTask<RecordBlock?> NextAsync(IAsyncEnumerator<RecordBlock> blocks)
    {
        try
        {
            return await blocks.MoveNextAsync().ConfigureAwait(false) ? blocks.Current : null;
        }
        catch (SegmentDamagedException e)
        {
            throw e.Damage.ToError(e);
        }
    }

    private static List<RecordInfo> Choose(RecordBlock block, TopicPartition partition, BrowseQuery query, ref long leaveOut, long most)
    {
        var records = new List<RecordInfo>();
        try
        {
            foreach (var record in block)
            {
                if (leaveOut > 0)
                {
                    leaveOut--;
                }
                else if (query.Wants(record))
                {
                    records.Add(query.Text.Copy(partition, record));
                    if (records.Count == most)
                    {
                        break;
                    }
                }
            }
        }
        catch (SegmentDamagedException e)
        {
            throw e.Damage.ToError(e);
        }

        return records;
    }

    /// <summary>Foreign manifests know the first and last record's time, which are not the smallest and largest.</summary>
    private static bool MayHold(OpenedBackup backup, SegmentEntry entry, BrowseQuery query) =>
        entry.RecordCount > 0
        && (query.Offset is not { } offset || entry.LastOffset >= offset)
        && (backup.IsForeign || query.Window.Overlaps(entry.MinTimestamp, entry.MaxTimestamp));

    private static KafkaBackupException NothingThere(OpenedBackup backup, BrowseQuery query, string wanted)
    {
        var segments = backup
            .Manifest.Topics.Values.Where(t => query.Topics.Selects(t.Name))
            .SelectMany(t => t.Partitions.Values)
            .Where(p => query.Partitions?.Contains(p.Partition) != false)
            .SelectMany(p => p.Segments)
            .Where(s => s.RecordCount > 0)
            .ToArray();
        var there =
            segments.Length == 0 ? "no records"
            : query.Offset is not null ? $"offsets {segments.Min(s => s.FirstOffset)} to {segments.Max(s => s.LastOffset)}"
            : $"records from {new TimeWindow(segments.Min(s => s.MinTimestamp), segments.Max(s => s.MaxTimestamp))}";
        return ErrorIds.NothingMatched.With(
            $"Backup {backup.BackupId} has no record {wanted} in {query.Topics}; it has {there} there.",
            wanted
        );
    }
}
