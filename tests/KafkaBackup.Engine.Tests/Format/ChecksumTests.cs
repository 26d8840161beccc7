using System.Text;
using KafkaBackup.Engine.Batches;
using Xunit;

namespace KafkaBackup.Engine.Tests.Format;

public sealed class ChecksumTests
{
    [Theory]
    [InlineData("", 0u)]
    [InlineData("a", 0xC1D04330u)]
    [InlineData("123456789", 0xE3069283u)]
    public void Crc32C_gives_the_published_values(string text, uint expected)
    {
        Assert.Equal(expected, Crc32C.Compute(Encoding.ASCII.GetBytes(text)));
        Assert.Equal(expected, BitByBit(Encoding.ASCII.GetBytes(text)));
    }

    [Fact]
    public void Crc32C_agrees_with_its_definition_at_every_length_and_in_any_pieces()
    {
        // Long data is summed in three streams of 4 KiB.
        int[] lengths = [.. Enumerable.Range(0, 300), 4096, 12_287, 12_288, 12_289, 24_575, 24_576, 40_001];
        var data = new byte[lengths.Max()];
        new Random(1).NextBytes(data);
        foreach (var length in lengths)
        {
            var whole = BitByBit(data.AsSpan(0, length));
            Assert.Equal(whole, Crc32C.Compute(data.AsSpan(0, length)));
            var cut = length / 3;
            Assert.Equal(whole, Crc32C.Append(Crc32C.Compute(data.AsSpan(0, cut)), data.AsSpan(cut, length - cut)));
        }
    }

    private static uint BitByBit(ReadOnlySpan<byte> data)
    {
        var crc = ~0u;
        foreach (var single in data)
        {
            crc ^= single;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * 0x82F63B78u);
            }
        }

        return ~crc;
    }
}
