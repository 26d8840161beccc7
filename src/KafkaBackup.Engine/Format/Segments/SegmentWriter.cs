using System.Buffers;
using System.Security.Cryptography;
using KafkaBackup.Engine.Format.Blocks;
using static System.Buffers.Binary.BinaryPrimitives;

namespace KafkaBackup.Engine.Format.Segments;

/// <summary>
/// The bytes of one segment, front to back: <c>Start</c>, <c>AppendBlock</c> for each block in offset order, <c>Finish</c>. It knows no
/// store: the caller writes each piece before it asks for the next. The SHA-256 is worked out here, on the caller's thread.
/// </summary>
public sealed class SegmentWriter(SegmentHeader header) : IDisposable
{
    private readonly IncrementalHash _sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly ArrayBufferWriter<byte> _footer = new(4096);
    private BlockStats _stats;
    private int _blocks;
    private State _state;

    private enum State
    {
        New,
        Started,
        Finished,
    }

    public SegmentHeader Header => header;

    /// <summary>Bytes handed out so far: what a limit on the segment's size is compared with.</summary>
    public long Length { get; private set; }

    public BlockStats Stats => _stats;

    public int BlockCount => _blocks;

    public ReadOnlyMemory<byte> Start()
    {
        Expect(State.New);
        _state = State.Started;
        var fixedPart = _footer.GetSpan(SegmentFooter.FixedSize)[..SegmentFooter.FixedSize];
        SegmentFooter.Magic.CopyTo(fixedPart);
        _footer.Advance(SegmentFooter.FixedSize);
        return Hand(header.Encode());
    }

    /// <summary>The returned memory is the block's: dispose the block after writing it.</summary>
    public ReadOnlyMemory<byte> AppendBlock(CompressedBlock block)
    {
        ArgumentNullException.ThrowIfNull(block);
        Expect(State.Started);
        if (block.Info.HoldsBatches != header.HoldsBatches)
        {
            throw new InvalidOperationException($"A segment of version {header.Version} holds no block of another version.");
        }

        var stats = block.Info.Stats;
        if (_blocks > 0 && stats.FirstOffset <= _stats.LastOffset)
        {
            throw new InvalidOperationException(
                $"A block that starts at offset {stats.FirstOffset} cannot follow offset {_stats.LastOffset}."
            );
        }

        var bytes = block.PlaceAt(Length);
        var entry = _footer.GetSpan(SegmentFooter.EntrySize);
        WriteInt64LittleEndian(entry, Length);
        bytes.Span[..BlockHeader.Size].CopyTo(entry[sizeof(long)..]);
        _footer.Advance(SegmentFooter.EntrySize);
        _blocks++;
        _stats = _stats.Add(stats);
        return Hand(bytes);
    }

    /// <summary>The footer and the trailer.</summary>
    public ReadOnlyMemory<byte> Finish(out SegmentSummary summary)
    {
        Expect(State.Started);
        if (_blocks == 0)
        {
            throw new InvalidOperationException("A segment has at least one block.");
        }

        _state = State.Finished;
        var end = new byte[_footer.WrittenCount + SegmentFooter.TrailerSize];
        _footer.WrittenSpan.CopyTo(end);
        var footer = end.AsSpan(0, _footer.WrittenCount);
        WriteInt32LittleEndian(footer[4..], _blocks);
        SegmentFooter.WriteTrailer(end.AsSpan(footer.Length), Length, footer);
        var bytes = Hand(end);
        summary = new SegmentSummary(Convert.ToHexString(_sha.GetHashAndReset()).ToLowerInvariant(), Length, _blocks, _stats);
        return bytes;
    }

    public void Dispose() => _sha.Dispose();

    private ReadOnlyMemory<byte> Hand(ReadOnlyMemory<byte> bytes)
    {
        _sha.AppendData(bytes.Span);
        Length += bytes.Length;
        return bytes;
    }

    private void Expect(State state)
    {
        if (_state != state)
        {
            throw new InvalidOperationException($"The segment writer is {_state}, not {state}.");
        }
    }
}
