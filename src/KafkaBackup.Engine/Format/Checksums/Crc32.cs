namespace KafkaBackup.Engine.Format.Checksums;

/// <summary>CRC-32 as in zip and Ethernet; only foreign segments use it.</summary>
internal static class Crc32
{
    private static readonly SlicingTables Tables = new(0xEDB88320u);

    public static uint Compute(ReadOnlySpan<byte> data) => Append(0, data);

    /// <summary>Continues a checksum.</summary>
    public static uint Append(uint checksum, ReadOnlySpan<byte> data) => ~Tables.Append(~checksum, data);
}
