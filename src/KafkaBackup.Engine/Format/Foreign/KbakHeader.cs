using static System.Buffers.Binary.BinaryPrimitives;

namespace KafkaBackup.Engine.Format.Foreign;

internal enum KbakCompression : byte
{
    None = 0,
    Zstd = 1,
    Lz4 = 2,
}

/// <summary>The first 32 bytes of a KBAK segment (rule K).</summary>
internal readonly record struct KbakHeader(KbakCompression Compression, long RecordCount, long FirstOffset, long LastOffset)
{
    public const int Version = 1;
    public const int Size = 32;
    public const int FooterSize = 8;
    private const int ChecksumSize = 4;

    public static ReadOnlySpan<byte> Magic => "KBAK"u8;

    public static ReadOnlySpan<byte> EndMagic => "BKAE"u8;

    /// <summary>Null and what is wrong; the error FormatTooNew for a later version.</summary>
    public static KbakHeader? Decode(ReadOnlySpan<byte> bytes, string place, out string? problem)
    {
        problem = null;
        if (bytes[4] > Version)
        {
            throw ErrorIds.FormatTooNew.With(
                $"Segment '{place}' is of version {bytes[4]} of the KBAK layout; this version of KafkaBackup reads version {Version}.",
                place
            );
        }

        var header = new KbakHeader(
            (KbakCompression)bytes[5],
            ReadInt64LittleEndian(bytes[8..]),
            ReadInt64LittleEndian(bytes[16..]),
            ReadInt64LittleEndian(bytes[24..])
        );
        if (bytes[4] != Version || bytes[5] > (byte)KbakCompression.Lz4 || header.RecordCount < 0)
        {
            problem = "the header is not one that the KBAK layout knows";
            return null;
        }

        return header;
    }

    /// <summary>Null when the last eight bytes fit the checksum over all before them.</summary>
    public static string? CheckFooter(ReadOnlySpan<byte> footer, uint checksum) =>
        !footer[ChecksumSize..].SequenceEqual(EndMagic) ? "it does not end as a whole segment does"
        : ReadUInt32LittleEndian(footer) != checksum ? "its checksum does not match"
        : null;
}
