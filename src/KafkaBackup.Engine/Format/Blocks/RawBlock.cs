namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>A sealed block, not yet compressed. Whoever holds it hands it to a compressor or disposes it.</summary>
public sealed class RawBlock : IDisposable
{
    internal RawBlock(BlockBuffer buffer, int length, in BlockStats stats)
    {
        Buffer = buffer;
        Length = length;
        Stats = stats;
    }

    public int Length { get; }

    public BlockStats Stats { get; }

    internal BlockBuffer Buffer { get; }

    internal ReadOnlySpan<byte> Content => Buffer.GetSpan().Slice(BlockHeader.Size, Length);

    /// <summary>The digest of the newest record. Walks the block: for the last one of a segment, not for each.</summary>
    public string LastRecordDigest()
    {
        // Not disposed: the memory stays this block's.
        var records = new RecordBlock(Buffer, new BlockInfo { RawLength = Length, Stats = Stats }, "block", 0);
        foreach (var record in records)
        {
            if (record.Offset == Stats.LastOffset)
            {
                return RecordDigest.Of(record);
            }
        }

        throw new InvalidOperationException("A sealed block holds its last record.");
    }

    public void Dispose() => ((IDisposable)Buffer).Dispose();
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
