using System.Buffers;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Compression;
using KafkaBackup.Engine.Format.Manifests;
using static System.Buffers.Binary.BinaryPrimitives;

namespace KafkaBackup.Engine.Format.Segments;

/// <summary>
/// Reads a segment front to back, every byte once, without believing the index: decodes all blocks, and compares the index with what it has
/// seen. After damage it looks for the next whole block, so that one damaged place is not the end.
/// </summary>
internal sealed class SegmentChecker(string place, ReadRange read, long length, BlockBufferPool pool) : IDisposable
{
    private readonly ForwardBytes _bytes = new(read, length);
    private readonly BlockDecompressor _decompressor = new();
    private readonly ArrayBufferWriter<byte> _index = new(4096);
    private readonly List<BlockInfo> _whole = [];
    private readonly List<SegmentDamage> _damages = [];
    private SegmentHeader? _header;
    private BlockStats _stats;
    private LastRecord? _lastRecord;
    private int _blocks;

    private enum Part
    {
        Block,
        Footer,
        Unknown,
    }

    public async Task<SegmentCheck> CheckAsync(CancellationToken cancel)
    {
        _header = await ReadHeaderAsync(cancel).ConfigureAwait(false);
        var ended = false;
        while (!ended && !_bytes.AtEnd)
        {
            ended = await ReadPartAsync(cancel).ConfigureAwait(false);
        }

        if (!ended && !_damages.Exists(static damage => damage.Kind == DamageKind.Truncated))
        {
            Damage(DamageKind.Truncated, "the file ends before the index does");
        }

        var sha = await _bytes.HashToEndAsync(cancel).ConfigureAwait(false);
        return new SegmentCheck
        {
            Header = _header,
            WholeBlocks = _whole,
            Damages = _damages,
            Summary = new SegmentSummary(sha, length, _whole.Count, _stats),
            LastRecord = _lastRecord,
        };
    }

    public void Dispose()
    {
        _bytes.Dispose();
        _decompressor.Dispose();
    }

    private async ValueTask<SegmentHeader?> ReadHeaderAsync(CancellationToken cancel)
    {
        var prefix = await _bytes.PeekAsync(SegmentHeader.PrefixSize, cancel).ConfigureAwait(false);
        if (prefix.Length < SegmentHeader.PrefixSize)
        {
            Damage(DamageKind.Truncated, "the file ends inside the header");
            return null;
        }

        if (SegmentHeader.LengthFrom(prefix.Span) is not { } size)
        {
            Damage(DamageKind.Corrupt, "it does not begin as a segment does");
            await SkipToNextPartAsync(cancel).ConfigureAwait(false);
            return null;
        }

        var bytes = await _bytes.PeekAsync(size, cancel).ConfigureAwait(false);
        string? problem = null;
        var header = bytes.Length < size ? null : SegmentHeader.Decode(bytes.Span, place, out problem);
        if (header is null)
        {
            Damage(bytes.Length < size ? DamageKind.Truncated : DamageKind.Corrupt, problem ?? "the file ends inside the header");
            await SkipToNextPartAsync(cancel).ConfigureAwait(false);
            return null;
        }

        _bytes.Consume(size);
        return header;
    }

    /// <summary>True when the segment has ended as it should, or as it is known to be damaged.</summary>
    private async ValueTask<bool> ReadPartAsync(CancellationToken cancel)
    {
        var start = await _bytes.PeekAsync(BlockHeader.Size, cancel).ConfigureAwait(false);
        if (PartAt(start.Span, _bytes.Position, _bytes.Remaining) == Part.Footer)
        {
            return await ReadEndAsync(cancel).ConfigureAwait(false);
        }

        if (start.Length < BlockHeader.Size)
        {
            Damage(DamageKind.Truncated, "the file ends inside a block's header");
            _bytes.Consume(start.Length);
            return false;
        }

        if (BlockHeader.TryRead(start.Span, _bytes.Position, out var block) is { } problem)
        {
            Damage(DamageKind.Corrupt, problem, _blocks++);
            await SkipToNextPartAsync(cancel).ConfigureAwait(false);
            return false;
        }

        if (block.TotalLength > _bytes.Remaining)
        {
            Damage(DamageKind.Truncated, "the file ends inside it", _blocks++, block);
            _bytes.Consume(BlockHeader.Size);
            await SkipToNextPartAsync(cancel).ConfigureAwait(false);
            return false;
        }

        await ReadBlockAsync(block, cancel).ConfigureAwait(false);
        return false;
    }

    private async ValueTask ReadBlockAsync(BlockInfo block, CancellationToken cancel)
    {
        var number = _blocks++;
        var bytes = await _bytes.PeekAsync((int)block.TotalLength, cancel).ConfigureAwait(false);
        if (bytes.Length < block.TotalLength)
        {
            Damage(DamageKind.Truncated, "the file ends inside it", number, block);
            _bytes.Consume(bytes.Length);
            return;
        }

        AddToIndex(bytes.Span[..BlockHeader.Size]);
        var stored = bytes[BlockHeader.Size..];
        if (Crc32C.Compute(stored.Span) != block.Checksum)
        {
            Damage(DamageKind.Corrupt, "its checksum does not match", number, block);
        }
        else if (block.HoldsBatches != (_header?.HoldsBatches ?? block.HoldsBatches))
        {
            Damage(DamageKind.Corrupt, "it is a block of another version than the segment", number, block);
        }
        else if (_whole.Count > 0 && block.Stats.FirstOffset <= _stats.LastOffset)
        {
            Damage(DamageKind.Corrupt, "its offsets do not follow those of the block before", number, block);
        }
        else
        {
            using var buffer = await pool.RentAsync(block.RawLength, cancel).ConfigureAwait(false);
            CheckRecords(block, number, stored.Span, buffer);
        }

        _bytes.Consume((int)block.TotalLength);
    }

    private void CheckRecords(in BlockInfo block, int number, ReadOnlySpan<byte> stored, BlockBuffer buffer)
    {
        if (_decompressor.Decompress(block.Codec, stored, buffer.GetSpan().Slice(BlockHeader.Size, block.RawLength)) is { } problem)
        {
            Damage(DamageKind.Corrupt, "it cannot be decompressed: " + problem, number, block);
            return;
        }

        using var records = new RecordBlock(buffer, block, place, number);
        try
        {
            foreach (var (batch, _) in records.Batches)
            {
                if (!batch.CrcIsValid)
                {
                    throw records.Damaged($"the checksum of its batch at offset {batch.BaseOffset} does not match");
                }
            }

            foreach (var record in records)
            {
                if (record.Offset == block.Stats.LastOffset)
                {
                    _lastRecord = new LastRecord(record.Offset, record.LeaderEpoch, RecordDigest.Of(record));
                }
            }
        }
        catch (SegmentDamagedException damaged)
        {
            _damages.Add(damaged.Damage);
            return;
        }

        _whole.Add(block);
        _stats = _stats.Add(block.Stats);
    }

    private void AddToIndex(ReadOnlySpan<byte> header)
    {
        var entry = _index.GetSpan(SegmentFooter.EntrySize);
        WriteInt64LittleEndian(entry, _bytes.Position);
        header.CopyTo(entry[sizeof(long)..]);
        _index.Advance(SegmentFooter.EntrySize);
    }

    /// <summary>
    /// The index must be the one that a writer would have written behind these blocks; with damaged headers it can only be checked by
    /// itself.
    /// </summary>
    private async ValueTask<bool> ReadEndAsync(CancellationToken cancel)
    {
        var offset = _bytes.Position;
        var bytes = await _bytes.PeekAsync((int)_bytes.Remaining, cancel).ConfigureAwait(false);
        var footer = bytes.Span[..^SegmentFooter.TrailerSize];
        var trailer = bytes.Span[^SegmentFooter.TrailerSize..];
        var allHeadersSeen = _blocks == _index.WrittenCount / SegmentFooter.EntrySize;
        Span<byte> sound = stackalloc byte[SegmentFooter.TrailerSize];
        SegmentFooter.WriteTrailer(sound, offset, footer);
        if (!trailer.SequenceEqual(sound))
        {
            Damage(DamageKind.Corrupt, "the index or the trailer is not what was written");
        }
        else if (allHeadersSeen && !footer[SegmentFooter.FixedSize..].SequenceEqual(_index.WrittenSpan))
        {
            Damage(DamageKind.Corrupt, "the index does not describe these blocks");
        }
        else if (footer.Length == SegmentFooter.FixedSize)
        {
            Damage(DamageKind.Corrupt, "it holds no blocks");
        }

        _bytes.Consume(bytes.Length);
        return true;
    }

    /// <summary>On to the next byte where a sound block header or an index starts. Each byte is looked at once.</summary>
    private async ValueTask SkipToNextPartAsync(CancellationToken cancel)
    {
        if (!_bytes.AtEnd)
        {
            _bytes.Consume((await _bytes.PeekAsync(1, cancel).ConfigureAwait(false)).Length);
        }

        while (!_bytes.AtEnd)
        {
            await _bytes.PeekAsync(BlockHeader.Size, cancel).ConfigureAwait(false);
            var bytes = await _bytes.PeekAnyAsync(cancel).ConfigureAwait(false);
            var (skip, found) = FindPart(bytes.Span);
            _bytes.Consume(skip);
            if (found)
            {
                return;
            }
        }
    }

    private (int Skip, bool Found) FindPart(ReadOnlySpan<byte> bytes)
    {
        var last = _bytes.Remaining <= bytes.Length;
        // Near the window's end a header may not be whole yet: those bytes are looked at again with the next window.
        var limit = last ? bytes.Length : bytes.Length - BlockHeader.Size + 1;
        for (var at = 0; at < limit; at++)
        {
            var hop = bytes[at..limit].IndexOf((byte)'K');
            if (hop < 0)
            {
                break;
            }

            at += hop;
            if (PartAt(bytes[at..], _bytes.Position + at, _bytes.Remaining - at) != Part.Unknown)
            {
                return (at, true);
            }
        }

        return (limit, false);
    }

    private static Part PartAt(ReadOnlySpan<byte> bytes, long position, long remaining)
    {
        if (bytes.Length >= BlockHeader.Size && BlockHeader.Begins(bytes) && BlockHeader.TryRead(bytes, position, out _) is null)
        {
            return Part.Block;
        }

        return
            bytes.Length >= SegmentFooter.FixedSize
            && bytes.StartsWith(SegmentFooter.Magic)
            && SegmentFooter.FixedSize + ((long)ReadUInt32LittleEndian(bytes[4..]) * SegmentFooter.EntrySize) + SegmentFooter.TrailerSize
                == remaining
            ? Part.Footer
            : Part.Unknown;
    }

    private void Damage(DamageKind kind, string problem, int? block = null, BlockInfo? info = null) =>
        _damages.Add(new SegmentDamage(kind, place, _bytes.Position, block, problem, info?.Stats.FirstOffset, info?.Stats.LastOffset));
}
