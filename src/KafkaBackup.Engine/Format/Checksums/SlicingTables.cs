using System.Buffers.Binary;

namespace KafkaBackup.Engine.Format.Checksums;

/// <summary>A reflected 32-bit CRC, eight bytes a step by eight tables.</summary>
internal sealed class SlicingTables
{
    private const int Slices = 8;
    private readonly uint[] _table = new uint[Slices * 256];

    public SlicingTables(uint reflectedPolynomial)
    {
        for (var value = 0u; value < 256; value++)
        {
            var crc = value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * reflectedPolynomial);
            }

            _table[value] = crc;
        }

        for (var entry = 256; entry < _table.Length; entry++)
        {
            var previous = _table[entry - 256];
            _table[entry] = (previous >> 8) ^ _table[(byte)previous];
        }
    }

    /// <summary>Without the inversion before and after, which is the caller's.</summary>
    public uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        var table = _table;
        while (data.Length >= 8)
        {
            var low = BinaryPrimitives.ReadUInt32LittleEndian(data) ^ crc;
            var high = BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);
            crc = table[(7 * 256) + (byte)low] ^ table[(6 * 256) + (byte)(low >> 8)]
                ^ table[(5 * 256) + (byte)(low >> 16)] ^ table[(4 * 256) + (int)(low >> 24)]
                ^ table[(3 * 256) + (byte)high] ^ table[(2 * 256) + (byte)(high >> 8)]
                ^ table[256 + (byte)(high >> 16)] ^ table[(int)(high >> 24)];
            data = data[8..];
        }

        foreach (var single in data)
        {
            crc = (crc >> 8) ^ table[(byte)(crc ^ single)];
        }

        return crc;
    }
}
