using System.Text;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Format.Blocks;
using static System.Buffers.Binary.BinaryPrimitives;

namespace KafkaBackup.Engine.Format.Segments;

/// <summary>Whose records a segment holds: what a manifest can be rebuilt from.</summary>
/// <param name="Compression">What was asked for; a block says itself how it is stored.</param>
/// <param name="CreatedAt">Kept to the millisecond.</param>
/// <param name="Version">What its blocks hold: <see cref="OfRecords"/> or <see cref="OfBatches"/>.</param>
public sealed record SegmentHeader(
    string BackupId,
    string Topic,
    int Partition,
    string RunId,
    CompressionKind Compression,
    DateTimeOffset CreatedAt,
    int Version = SegmentHeader.OfRecords
)
{
    /// <summary>Blocks of single records, in a form of our own.</summary>
    public const int OfRecords = 1;

    /// <summary>Blocks of Kafka's record batches.</summary>
    public const int OfBatches = 2;

    public const int NewestVersion = OfBatches;

    /// <summary>Magic, version, two zero bytes, the body's length; in every version.</summary>
    internal const int PrefixSize = 16;

    internal const int MaxBodyLength = 1 << 16;

    private const int FixedBodySize = 1 + 3 + 4 + 8;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public bool HoldsBatches => Version == OfBatches;

    /// <summary>As PNG's: a byte that text filters break, line ends that they change, an end-of-file.</summary>
    internal static ReadOnlySpan<byte> Magic => [0x89, (byte)'K', (byte)'B', (byte)'S', 0x0D, 0x0A, 0x1A, 0x0A];

    internal byte[] Encode()
    {
        if (Version is < OfRecords or > NewestVersion)
        {
            throw new InvalidOperationException($"No segment of version {Version} can be written.");
        }

        using var body = new MemoryStream();
        using (var writer = new BinaryWriter(body, StrictUtf8, leaveOpen: true))
        {
            writer.Write(CodecCode.Of(Compression));
            writer.Write([0, 0, 0]);
            writer.Write(Partition);
            writer.Write(CreatedAt.ToUnixTimeMilliseconds());
            foreach (var text in (string[])[BackupId, Topic, RunId])
            {
                var bytes = StrictUtf8.GetBytes(text);
                writer.Write(checked((ushort)bytes.Length));
                writer.Write(bytes);
            }
        }

        var length = checked((int)body.Length);
        if (length > MaxBodyLength)
        {
            throw new ArgumentException("The names in a segment's header are too long.");
        }

        var header = new byte[PrefixSize + length + sizeof(uint)];
        Magic.CopyTo(header);
        WriteUInt16LittleEndian(header.AsSpan(8), (ushort)Version);
        WriteInt32LittleEndian(header.AsSpan(12), length);
        body.GetBuffer().AsSpan(0, length).CopyTo(header.AsSpan(PrefixSize));
        WriteUInt32LittleEndian(header.AsSpan(PrefixSize + length), Crc32C.Compute(header.AsSpan(0, PrefixSize + length)));
        return header;
    }

    /// <summary>The whole header's length as its first 16 bytes say it; null when they are not a segment's.</summary>
    internal static int? LengthFrom(ReadOnlySpan<byte> prefix)
    {
        if (!prefix.StartsWith(Magic))
        {
            return null;
        }

        var body = ReadUInt32LittleEndian(prefix[12..]);
        return body <= MaxBodyLength ? PrefixSize + (int)body + sizeof(uint) : null;
    }

    /// <summary>
    /// Reads a whole header. Null and a problem when it is damaged; the error FormatTooNew when it is sound and newer than this code.
    /// </summary>
    internal static SegmentHeader? Decode(ReadOnlySpan<byte> header, string place, out string? problem)
    {
        var content = header[..^sizeof(uint)];
        if (ReadUInt32LittleEndian(header[content.Length..]) != Crc32C.Compute(content))
        {
            problem = "the header's checksum does not match";
            return null;
        }

        var version = ReadUInt16LittleEndian(header[8..]);
        if (version > NewestVersion)
        {
            throw ErrorIds.FormatTooNew.With(
                $"Segment '{place}' has format version {version}; this version of KafkaBackup reads up to {NewestVersion}.",
                place
            );
        }

        var decoded = version >= OfRecords && ReadUInt16LittleEndian(header[10..]) == 0 ? DecodeBody(content[PrefixSize..], version) : null;
        problem = decoded is null ? "the header contradicts itself" : null;
        return decoded;
    }

    private static SegmentHeader? DecodeBody(ReadOnlySpan<byte> body, int version)
    {
        if (body.Length < FixedBodySize || CodecCode.KindOf(body[0]) is not { } compression || body[1..4].ContainsAnyExcept((byte)0))
        {
            return null;
        }

        var partition = ReadInt32LittleEndian(body[4..]);
        var created = ReadInt64LittleEndian(body[8..]);
        if (partition < 0 || KafkaTime.ToDateTimeOffset(created) is not { } createdAt)
        {
            return null;
        }

        var rest = body[FixedBodySize..];
        return TakeText(ref rest) is { } backupId && TakeText(ref rest) is { } topic && TakeText(ref rest) is { } runId && rest.IsEmpty
            ? new SegmentHeader(backupId, topic, partition, runId, compression, createdAt, version)
            : null;
    }

    private static string? TakeText(ref ReadOnlySpan<byte> rest)
    {
        if (rest.Length < sizeof(ushort) || rest.Length - sizeof(ushort) < ReadUInt16LittleEndian(rest))
        {
            return null;
        }

        var bytes = rest.Slice(sizeof(ushort), ReadUInt16LittleEndian(rest));
        rest = rest[(sizeof(ushort) + bytes.Length)..];
        return System.Text.Unicode.Utf8.IsValid(bytes) ? StrictUtf8.GetString(bytes) : null;
    }
}
