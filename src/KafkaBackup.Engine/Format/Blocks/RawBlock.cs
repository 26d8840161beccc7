using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>
/// A sealed block, not yet compressed. Whoever holds it hands it to a compressor or disposes it. One of batches goes through a
/// <see cref="BlockWalker"/> before.
/// </summary>
public sealed class RawBlock : IDisposable
{
    internal RawBlock(BlockBuffer buffer, int length, in BlockStats stats)
    {
        Buffer = buffer;
        Length = length;
        Stats = stats;
        IsWalked = true;
    }

    /// <param name="from">The first offset that counts.</param>
    /// <param name="end">The offset behind the last one that counts.</param>
    internal RawBlock(BlockBuffer buffer, int length, long from, long end)
    {
        Buffer = buffer;
        Length = length;
        Window = (from, end);
        HoldsBatches = true;
    }

    public int Length { get; private set; }

    /// <summary>Of a block of batches only once it has been walked.</summary>
    public BlockStats Stats { get; private set; }

    public bool HoldsBatches { get; }

    /// <summary>Whether its figures are known.</summary>
    public bool IsWalked { get; private set; }

    /// <summary>Walking has left nothing of it.</summary>
    public bool IsEmpty => Length == 0;

    /// <summary>Nothing is gained by compressing it: all its batches are compressed.</summary>
    public bool IsCompressed { get; private set; }

    internal BlockBuffer Buffer { get; }

    internal (long From, long End) Window { get; }

    internal ReadOnlySpan<byte> Content => Buffer.GetSpan().Slice(BlockHeader.Size, Length);

    internal ReadOnlyMemory<byte> ContentMemory => Buffer.Memory.Slice(BlockHeader.Size, Length);

    /// <summary>The newest record. Walks the block: for the last one of a segment, not for each.</summary>
    public LastRecord Last()
    {
        // Not disposed: the memory stays this block's.
        var info = new BlockInfo
        {
            RawLength = Length,
            HoldsBatches = HoldsBatches,
            Stats = Stats,
        };
        var records = new RecordBlock(Buffer, info, "block", 0);
        foreach (var record in records)
        {
            if (record.Offset == Stats.LastOffset)
            {
                return new LastRecord(record.Offset, record.LeaderEpoch, RecordDigest.Of(record));
            }
        }

        throw new InvalidOperationException("A sealed block holds its last record.");
    }

    public void Dispose() => ((IDisposable)Buffer).Dispose();

    /// <summary>Keeps a part of the content, and says what it amounts to.</summary>
    internal void Settle(int start, int length, in BlockStats stats, bool isCompressed)
    {
        var room = Buffer.GetSpan()[BlockHeader.Size..];
        if (start > 0)
        {
            room.Slice(start, length).CopyTo(room);
        }

        Length = length;
        Stats = stats;
        IsCompressed = isCompressed;
        IsWalked = true;
    }
}

/// <summary>A block as it is stored, with room for its header in front. Dispose once it is written.</summary>
public sealed class CompressedBlock : IDisposable
{
    private readonly BlockBuffer _buffer;

    internal CompressedBlock(BlockBuffer buffer, in BlockInfo info)
    {
        _buffer = buffer;
        Info = info;
    }

    /// <summary>Its place in the file is not known yet: FileOffset is 0.</summary>
    public BlockInfo Info { get; }

    /// <summary>The bytes to write; the header in front belongs to the place that the block is given.</summary>
    internal ReadOnlyMemory<byte> PlaceAt(long fileOffset)
    {
        BlockHeader.Write(_buffer.GetSpan(), Info with { FileOffset = fileOffset });
        return _buffer.Memory[..(int)Info.TotalLength];
    }

    public void Dispose() => ((IDisposable)_buffer).Dispose();
}
