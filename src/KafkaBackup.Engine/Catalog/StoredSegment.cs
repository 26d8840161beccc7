using System.Runtime.CompilerServices;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Foreign;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Catalog;

/// <summary>
/// A segment where it lies: what the manifest says of it, and its records, whichever tool wrote it. A missing one is the error
/// SegmentMissing, what is not the segment that the manifest names a SegmentDamagedException, failures of the store are the store's.
/// </summary>
public sealed class StoredSegment
{
    private readonly IStore _store;
    private readonly SegmentOwner _owner;

    internal StoredSegment(IStore store, SegmentOwner owner, string topic, int partition, SegmentEntry entry)
    {
        _store = store;
        _owner = owner;
        IsForeign = owner.IsForeign;
        Topic = topic;
        Partition = partition;
        Entry = entry;
        Key = BackupKeys.Of(owner.Folder, entry.Key);
    }

    public string Topic { get; }

    public int Partition { get; }

    public SegmentEntry Entry { get; }

    /// <summary>Of another tool: no index and no hash, timestamps unknown until it is read.</summary>
    public bool IsForeign { get; }

    /// <summary>
    /// True once <see cref="ReadBlocksAsync"/> has read all of it and found the file that the manifest names, byte for byte.
    /// </summary>
    public bool IsProven { get; private set; }

    /// <summary>The full key, for messages.</summary>
    public string Key { get; }

    /// <summary>
    /// Set for a segment that is known to be damaged, whose sound blocks are wanted all the same: it cannot be the file that the manifest
    /// names, so only each block's own checksum is asked.
    /// </summary>
    public bool IsKnownDamaged { get; init; }

    /// <summary>
    /// The records, block by block in offset order; the caller disposes each. Of our own segments only the wanted blocks are read, of
    /// foreign ones all are, and only the wanted ones handed out.
    /// </summary>
    /// <param name="filter">Which blocks are wanted; null for all.</param>
    /// <param name="readAhead">Neighbouring blocks are read together up to so many bytes; 0 for single blocks here and there.</param>
    public async IAsyncEnumerable<RecordBlock> ReadBlocksAsync(
        BlockBufferPool pool,
        Func<BlockInfo, bool>? filter,
        int readAhead,
        [EnumeratorCancellation] CancellationToken cancel
    )
    {
        if (IsForeign)
        {
            var length = await FindLengthAsync(cancel).ConfigureAwait(false);
            var segment = await KbakSegment.OpenAsync(Key, ReadAsync, length, pool, cancel).ConfigureAwait(false);
            if (Contradiction(segment.Header.FirstOffset, segment.Header.LastOffset, segment.Header.RecordCount) is { } problem)
            {
                throw Damaged(DamageKind.Corrupt, 0, problem);
            }

            await foreach (var block in segment.ReadBlocksAsync(cancel).ConfigureAwait(false))
            {
                if (filter is null || filter(block.Info))
                {
                    yield return block;
                }
                else
                {
                    block.Dispose();
                }
            }
        }
        else
        {
            using var reader = await OpenAsync(pool, readAhead, cancel).ConfigureAwait(false);
            await foreach (var block in reader.ReadBlocksAsync(filter, cancel).ConfigureAwait(false))
            {
                IsProven = reader.IsProven;
                yield return block;
            }
        }
    }

    /// <summary>
    /// Opens one of our own segments by its index, for reading single blocks; checked to be the one that the manifest names.
    /// </summary>
    public async Task<SegmentReader> OpenAsync(BlockBufferPool pool, int readAhead, CancellationToken cancel)
    {
        if (IsForeign)
        {
            throw new InvalidOperationException($"'{Key}' is another tool's segment, which has no index.");
        }

        var length = await FindLengthAsync(cancel).ConfigureAwait(false);
        if (length != Entry.StoredBytes)
        {
            throw Damaged(
                length < Entry.StoredBytes ? DamageKind.Truncated : DamageKind.Corrupt,
                Math.Min(length, Entry.StoredBytes),
                $"it has {length} bytes, the manifest says {Entry.StoredBytes}"
            );
        }

        var reader = await SegmentReader
            .OpenAsync(Key, ReadAsync, length, pool, readAhead, cancel, IsKnownDamaged ? "" : Entry.Sha256)
            .ConfigureAwait(false);
        if (Contradiction(reader) is { } problem)
        {
            reader.Dispose();
            throw Damaged(DamageKind.Corrupt, 0, problem);
        }

        return reader;
    }

    /// <summary>Reads every byte and says what is damaged; see <see cref="SegmentFile.CheckAsync"/>.</summary>
    public async Task<SegmentCheck> CheckAsync(BlockBufferPool pool, CancellationToken cancel) =>
        await SegmentFile
            .CheckAsync(Key, ReadAsync, await FindLengthAsync(cancel).ConfigureAwait(false), pool, cancel)
            .ConfigureAwait(false);

    public override string ToString() => Key;

    /// <summary>Sound in itself is not enough: files may have been swapped or put back from an older copy.</summary>
    private string? Contradiction(SegmentReader reader)
    {
        if (reader.Header.Topic != Topic || reader.Header.Partition != Partition)
        {
            return $"it holds records of {new TopicPartition(reader.Header.Topic, reader.Header.Partition)}, the manifest says {new TopicPartition(Topic, Partition)}";
        }

        if (!_owner.Owns(reader.Header.BackupId))
        {
            return $"it is a segment of backup '{reader.Header.BackupId}', not of '{_owner.Named}'";
        }

        return Contradiction(reader.Stats.FirstOffset, reader.Stats.LastOffset, reader.Stats.RecordCount);
    }

    private string? Contradiction(long first, long last, long records) =>
        first != Entry.FirstOffset || last != Entry.LastOffset || records != Entry.RecordCount
            ? $"it holds {records} records from offset {first} to {last}, the manifest says {Entry.RecordCount} from {Entry.FirstOffset} to {Entry.LastOffset}"
            : null;

    private async ValueTask<long> FindLengthAsync(CancellationToken cancel) =>
        (await _store.FindAsync(Key, cancel).ConfigureAwait(false) ?? throw Missing(null)).Size;

    private async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancel)
    {
        try
        {
            return await _store.ReadAsync(Key, offset, buffer, cancel).ConfigureAwait(false);
        }
        catch (KafkaBackupException e) when (e.Definition == ErrorIds.StoreObjectMissing)
        {
            throw Missing(e);
        }
    }

    private KafkaBackupException Missing(Exception? cause) =>
        ErrorIds.SegmentMissing.With(
            $"Segment '{Key}' is missing in {_store.Location}; it held {Entry.RecordCount} records of {new TopicPartition(Topic, Partition)}, offsets {Entry.FirstOffset} to {Entry.LastOffset}.",
            Key,
            inner: cause
        );

    private SegmentDamagedException Damaged(DamageKind kind, long at, string problem) =>
        new(new SegmentDamage(kind, Key, at, null, problem, Entry.FirstOffset, Entry.LastOffset));
}
