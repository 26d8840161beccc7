using System.Buffers;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>
/// A block's records, to be walked with <c>foreach</c>, any number of times, whichever version the segment has. Dispose gives the memory
/// back; views and cursors end with it. Not for several threads.
/// </summary>
public sealed class RecordBlock : IDisposable
{
    private readonly BlockBuffer _buffer;
    private HeaderSlice[] _headers = [];

    internal RecordBlock(BlockBuffer buffer, in BlockInfo info, string place, int index)
    {
        _buffer = buffer;
        Info = info;
        Place = place;
        Index = index;
    }

    public BlockInfo Info { get; }

    /// <summary>The block's number in its segment.</summary>
    public int Index { get; }

    /// <summary>The segment's key or path, for messages.</summary>
    public string Place { get; }

    /// <summary>The batches as the broker sent them; none in a block of version 1.</summary>
    public BlockBatches Batches => new(this);

    internal ReadOnlyMemory<byte> ContentMemory => _buffer.Memory.Slice(BlockHeader.Size, Info.RawLength);

    internal unsafe byte* Content => _buffer.Pointer + BlockHeader.Size;

    /// <summary>Records are checked as they are walked: bytes that are not what a writer wrote are a SegmentDamagedException.</summary>
    public RecordCursor GetEnumerator() => new(this);

    public void Dispose()
    {
        var headers = _headers;
        _headers = [];
        if (headers.Length > 0)
        {
            ArrayPool<HeaderSlice>.Shared.Return(headers);
        }

        ((IDisposable)_buffer).Dispose();
    }

    internal BatchRecords RentDecoder() => _buffer.RentDecoder();

    /// <summary>The headers' array, grown to hold one more than the used ones: never by what a count claims.</summary>
    internal HeaderSlice[] HeadersWithRoom(int used)
    {
        if (used < _headers.Length)
        {
            return _headers;
        }

        var larger = ArrayPool<HeaderSlice>.Shared.Rent(Math.Max(16, used * 2));
        _headers.AsSpan(0, used).CopyTo(larger);
        if (_headers.Length > 0)
        {
            ArrayPool<HeaderSlice>.Shared.Return(_headers);
        }

        return _headers = larger;
    }

    internal SegmentDamagedException Damaged(string problem) =>
        new(new SegmentDamage(DamageKind.Corrupt, Place, Info.FileOffset, Index, problem, Info.Stats.FirstOffset, Info.Stats.LastOffset));
}
