using System.IO.Hashing;
using System.Runtime.CompilerServices;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Engine.Records;
using static System.Buffers.Binary.BinaryPrimitives;

namespace KafkaBackup.Engine.Format.Foreign;

/// <summary>
/// Reads the Rust tool's segments (rule K) as blocks in our own form. Its one checksum stands at the end, so the file is read twice: no
/// record is handed out before all of it has been checked. Memory does not depend on the segment's size.
/// </summary>
internal sealed class KbakSegment
{
    private readonly string _place;
    private readonly ReadRange _read;
    private readonly long _length;
    private readonly BlockBufferPool _pool;

    private KbakSegment(string place, ReadRange read, long length, BlockBufferPool pool, KbakHeader header, string sha256)
    {
        _place = place;
        _read = read;
        _length = length;
        _pool = pool;
        Header = header;
        Sha256 = sha256;
    }

    public KbakHeader Header { get; }

    public string Sha256 { get; }

    public static bool IsOne(ReadOnlySpan<byte> start) => start.StartsWith(KbakHeader.Magic);

    public static async ValueTask<KbakSegment> OpenAsync(
        string place,
        ReadRange read,
        long length,
        BlockBufferPool pool,
        CancellationToken cancel
    )
    {
        using var bytes = new ForwardBytes(read, length);
        var start = await bytes.PeekAsync(KbakHeader.Size, cancel).ConfigureAwait(false);
        if (start.Length < KbakHeader.Size || length < KbakHeader.Size + KbakHeader.FooterSize)
        {
            throw Damaged(place, DamageKind.Truncated, start.Length, "the file is too short to be a segment");
        }

        if (!IsOne(start.Span))
        {
            throw Damaged(place, DamageKind.Corrupt, 0, "it does not begin as a KBAK segment does");
        }

        var header = KbakHeader.Decode(start.Span, place, out var problem) ?? throw Damaged(place, DamageKind.Corrupt, 0, problem!);
        var checksum = new Crc32();
        while (bytes.Remaining > KbakHeader.FooterSize)
        {
            var next = await bytes.PeekAnyAsync(cancel).ConfigureAwait(false);
            if (next.IsEmpty)
            {
                throw Damaged(place, DamageKind.Truncated, bytes.Position, "the file is shorter than the store says");
            }

            var count = (int)Math.Min(next.Length, bytes.Remaining - KbakHeader.FooterSize);
            checksum.Append(next.Span[..count]);
            bytes.Consume(count);
        }

        var footer = await bytes.PeekAsync(KbakHeader.FooterSize, cancel).ConfigureAwait(false);
        problem =
            footer.Length < KbakHeader.FooterSize
                ? "the file is shorter than the store says"
                : KbakHeader.CheckFooter(footer.Span, checksum.GetCurrentHashAsUInt32());
        if (problem is not null)
        {
            var cut = footer.Length < KbakHeader.FooterSize || !footer.Span[4..].SequenceEqual(KbakHeader.EndMagic);
            throw Damaged(place, cut ? DamageKind.Truncated : DamageKind.Corrupt, bytes.Position, problem);
        }

        var sha = await bytes.HashToEndAsync(cancel).ConfigureAwait(false);
        return new KbakSegment(place, read, length, pool, header, sha);
    }

    /// <summary>All records, in blocks of about a megabyte. The caller disposes each.</summary>
    public async IAsyncEnumerable<RecordBlock> ReadBlocksAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        using var records = new KbakRecords(_place, _read, _length, Header, cancel);
        using var builder = new BlockBuilder(_pool);
        var number = 0;
        while (await records.MoveNextAsync().ConfigureAwait(false))
        {
            var outcome = records.AppendTo(builder, out var room);
            if (outcome == AppendOutcome.BlockFull)
            {
                yield return AsRecords(builder.Seal(), number++);
                outcome = records.AppendTo(builder, out room);
            }

            if (outcome == AppendOutcome.PoolEmpty)
            {
                await builder.WaitForRoomAsync(room, cancel).ConfigureAwait(false);
                records.AppendTo(builder, out _);
            }
        }

        if (!builder.IsEmpty)
        {
            yield return AsRecords(builder.Seal(), number);
        }
    }

    internal static SegmentDamagedException Damaged(string place, DamageKind kind, long at, string problem) =>
        new(new SegmentDamage(kind, place, at, null, problem));

    private RecordBlock AsRecords(RawBlock raw, int number) =>
        new(
            raw.Buffer,
            new BlockInfo
            {
                Codec = CompressionKind.None,
                StoredLength = raw.Length,
                RawLength = raw.Length,
                FileOffset = KbakHeader.Size,
                Stats = raw.Stats,
            },
            _place,
            number
        );
}
