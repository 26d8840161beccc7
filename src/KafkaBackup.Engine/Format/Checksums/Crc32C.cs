using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using ArmCrc32 = System.Runtime.Intrinsics.Arm.Crc32;

namespace KafkaBackup.Engine.Format.Checksums;

/// <summary>CRC-32C (Castagnoli), by the processor's own instruction where it has one.</summary>
public static class Crc32C
{
    private static readonly SlicingTables Tables = new(0x82F63B78u);

    public static uint Compute(ReadOnlySpan<byte> data) => Append(0, data);

    /// <summary>Continues a checksum: <c>Append(Compute(a), b)</c> is the checksum of a followed by b.</summary>
    public static uint Append(uint checksum, ReadOnlySpan<byte> data)
    {
        var crc = ~checksum;
        if (Sse42.X64.IsSupported)
        {
            return ~AppendX64(crc, data);
        }

        if (ArmCrc32.Arm64.IsSupported)
        {
            return ~AppendArm64(crc, data);
        }

        return ~Tables.Append(crc, data);
    }

    /// <summary>The fallback, reachable for tests on machines that never take it.</summary>
    internal static uint ComputeInSoftware(ReadOnlySpan<byte> data) => ~Tables.Append(~0u, data);

    private static uint AppendX64(uint crc, ReadOnlySpan<byte> data)
    {
        ulong wide = crc;
        var words = MemoryMarshal.Cast<byte, ulong>(data);
        foreach (var word in words)
        {
            wide = Sse42.X64.Crc32(wide, word);
        }

        crc = (uint)wide;
        foreach (var single in data[(words.Length * sizeof(ulong))..])
        {
            crc = Sse42.Crc32(crc, single);
        }

        return crc;
    }

    private static uint AppendArm64(uint crc, ReadOnlySpan<byte> data)
    {
        while (data.Length >= sizeof(ulong))
        {
            crc = ArmCrc32.Arm64.ComputeCrc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
            data = data[sizeof(ulong)..];
        }

        foreach (var single in data)
        {
            crc = ArmCrc32.ComputeCrc32C(crc, single);
        }

        return crc;
    }
}
