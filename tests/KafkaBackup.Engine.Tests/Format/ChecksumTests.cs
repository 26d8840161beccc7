using System.Text;
using KafkaBackup.Engine.Format.Checksums;
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
        Assert.Equal(expected, Crc32C.ComputeInSoftware(Encoding.ASCII.GetBytes(text)));
    }

    [Fact]
    public void Crc32_gives_the_published_value() => Assert.Equal(0xCBF43926u, Crc32.Compute("123456789"u8));

    [Fact]
    public void Hardware_and_software_agree_at_every_length_and_in_any_pieces()
    {
        var data = new byte[300];
        new Random(1).NextBytes(data);
        for (var length = 0; length <= data.Length; length++)
        {
            var whole = Crc32C.ComputeInSoftware(data.AsSpan(0, length));
            Assert.Equal(whole, Crc32C.Compute(data.AsSpan(0, length)));
            var cut = length / 3;
            Assert.Equal(whole, Crc32C.Append(Crc32C.Compute(data.AsSpan(0, cut)), data.AsSpan(cut, length - cut)));
            Assert.Equal(Crc32.Compute(data.AsSpan(0, length)), Crc32.Append(Crc32.Compute(data.AsSpan(0, cut)), data.AsSpan(cut, length - cut)));
        }
    }
}
