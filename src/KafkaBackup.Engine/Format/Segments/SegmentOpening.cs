using KafkaBackup.Engine.Format.Blocks;

namespace KafkaBackup.Engine.Format.Segments;

/// <summary>Finds and checks a segment's header and index, in few reads.</summary>
/// <param name="known">The file's first bytes, where they have been read already.</param>
/// <param name="sha256">Of the whole file, as the manifest has it; empty where it is not known.</param>
internal sealed class SegmentOpening(string place, ReadRange read, long length, ReadOnlyMemory<byte> known = default, string sha256 = "")
{
    /// <summary>More than most headers have.</summary>
    public const int HeadGuess = 1 << 10;

    // An index of 700 blocks, half a gigabyte of records as they usually are; the whole of a small segment.
    private const int TailGuess = 64 << 10;
    private const int SmallestSegment =
        SegmentHeader.PrefixSize + SegmentFooter.FixedSize + SegmentFooter.EntrySize + SegmentFooter.TrailerSize;

    public async ValueTask<SegmentReader> OpenAsync(BlockBufferPool pool, int readAhead, CancellationToken cancel)
    {
        if (length < SmallestSegment)
        {
            throw await TooShortAsync(cancel).ConfigureAwait(false);
        }

        var tailStart = Math.Max(0, length - TailGuess);
        var (head, tail) = await ReadEndsAsync(tailStart, cancel).ConfigureAwait(false);
        var (header, headerBytes) = await DecodeHeaderAsync(head, cancel).ConfigureAwait(false);
        var (blocks, footer) = await DecodeFooterAsync(tail, tailStart, headerBytes.Length, header.HoldsBatches, cancel)
            .ConfigureAwait(false);
        var proof =
            sha256.Length == 0
                ? null
                : new SegmentProof(
                    sha256,
                    headerBytes.ToArray(),
                    length - footer.Length - SegmentFooter.TrailerSize,
                    (byte[])[.. footer.Span, .. tail.Span[^SegmentFooter.TrailerSize..]]
                );
        return new SegmentReader(place, header, blocks, footer, read, pool, readAhead, proof);
    }

    private async ValueTask<(SegmentHeader Header, ReadOnlyMemory<byte> Bytes)> DecodeHeaderAsync(
        ReadOnlyMemory<byte> head,
        CancellationToken cancel
    )
    {
        if (head.Length < SegmentHeader.PrefixSize || SegmentHeader.LengthFrom(head.Span) is not { } headerLength)
        {
            throw Damaged(DamageKind.Corrupt, 0, "it does not begin as a segment does");
        }

        if (headerLength > length)
        {
            throw Damaged(DamageKind.Truncated, 0, "the file ends inside the header");
        }

        if (headerLength > head.Length)
        {
            head = await ReadAsync(0, headerLength, cancel).ConfigureAwait(false);
        }

        var header = SegmentHeader.Decode(head.Span[..headerLength], place, out var problem);
        return (header ?? throw Damaged(DamageKind.Corrupt, 0, problem!), head[..headerLength]);
    }

    private async ValueTask<(ReadOnlyMemory<byte> Head, ReadOnlyMemory<byte> Tail)> ReadEndsAsync(long tailStart, CancellationToken cancel)
    {
        if (tailStart == 0)
        {
            var all = await ReadAsync(0, (int)length, cancel).ConfigureAwait(false);
            return (all, all);
        }

        var head = known.IsEmpty ? ReadAsync(0, HeadGuess, cancel).AsTask() : Task.FromResult(known);
        var tail = ReadAsync(tailStart, (int)(length - tailStart), cancel).AsTask();
        await Task.WhenAll(head, tail).ConfigureAwait(false);
        return (await head.ConfigureAwait(false), await tail.ConfigureAwait(false));
    }

    private async ValueTask<(BlockInfo[] Blocks, ReadOnlyMemory<byte> Footer)> DecodeFooterAsync(
        ReadOnlyMemory<byte> tail,
        long tailStart,
        int headerLength,
        bool holdsBatches,
        CancellationToken cancel
    )
    {
        var trailerOffset = length - SegmentFooter.TrailerSize;
        var trailer = tail.Span[^SegmentFooter.TrailerSize..];
        if (SegmentFooter.ReadTrailer(trailer, length, out var kind, out var problem) is not var (offset, size, checksum))
        {
            throw Damaged(kind, trailerOffset, problem);
        }

        // The index repeats each block's header: it cannot be longer than the blocks allow.
        if ((size - SegmentFooter.FixedSize) / SegmentFooter.EntrySize > (offset - headerLength) / BlockHeader.Size)
        {
            throw Damaged(DamageKind.Corrupt, trailerOffset, "the trailer does not fit the file's length");
        }

        // An array of its own: the whole tail would be kept alive by a few bytes.
        var footer =
            offset >= tailStart
                ? tail.Slice((int)(offset - tailStart), size).ToArray()
                : await ReadAsync(offset, size, cancel).ConfigureAwait(false);
        var blocks = SegmentFooter.Read(footer.Span, checksum, headerLength, offset, holdsBatches, out problem);
        return (blocks ?? throw Damaged(DamageKind.Corrupt, offset, problem), footer);
    }

    private async ValueTask<ReadOnlyMemory<byte>> ReadAsync(long offset, int count, CancellationToken cancel)
    {
        var bytes = GC.AllocateUninitializedArray<byte>(count);
        var got = await read.ReadFullyAsync(offset, bytes, cancel).ConfigureAwait(false);
        return got == count ? bytes : throw Damaged(DamageKind.Truncated, offset + got, "the file is shorter than the store says");
    }

    private async ValueTask<Exception> TooShortAsync(CancellationToken cancel)
    {
        var bytes = await ReadAsync(0, (int)length, cancel).ConfigureAwait(false);
        var common = Math.Min(bytes.Length, SegmentHeader.Magic.Length);
        return bytes.Span[..common].SequenceEqual(SegmentHeader.Magic[..common])
            ? Damaged(DamageKind.Truncated, length, "the file is too short to be a segment")
            : Damaged(DamageKind.Corrupt, 0, "it does not begin as a segment does");
    }

    private SegmentDamagedException Damaged(DamageKind kind, long offset, string problem) =>
        new(new SegmentDamage(kind, place, offset, null, problem));
}
