using KafkaBackup.Engine.Format.Blocks;
using Xunit;

namespace KafkaBackup.Engine.Tests.Format;

public sealed unsafe class VarintTests
{
    public static TheoryData<ulong> Values =>
        new() { 0, 1, 127, 128, 16_383, 16_384, uint.MaxValue, long.MaxValue, 1UL << 63, ulong.MaxValue };

    [Theory]
    [MemberData(nameof(Values))]
    public void Any_number_survives_and_no_shorter_piece_of_it_is_read(ulong value)
    {
        var bytes = stackalloc byte[Varint.MaxLength];
        var end = Varint.Write(bytes, value);
        Assert.True(end - bytes <= Varint.MaxLength);
        Assert.True(Varint.Read(bytes, end, out var read) == end);
        Assert.Equal(value, read);
        for (var cut = bytes; cut < end; cut++)
        {
            Assert.True(Varint.Read(bytes, cut, out _) == null);
        }
    }

    [Fact]
    public void Signs_survive_and_small_numbers_stay_small()
    {
        foreach (var value in (long[])[0, -1, 1, -64, 63, long.MinValue, long.MaxValue])
        {
            Assert.Equal(value, Varint.UnZigZag(Varint.ZigZag(value)));
        }

        Assert.True(Varint.ZigZag(-64) < 128);
    }

    [Fact]
    public void More_than_64_bits_are_refused()
    {
        Assert.True(IsRefused([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02]));
        Assert.True(IsRefused([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]));
        Assert.False(IsRefused([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]));
    }

    [Fact]
    public void Random_bytes_are_read_within_their_bounds()
    {
        var random = new Random(2);
        var noise = new byte[16];
        for (var round = 0; round < 50_000; round++)
        {
            random.NextBytes(noise);
            var length = random.Next(noise.Length);
            fixed (byte* start = noise)
            {
                var next = Varint.Read(start, start + length, out _);
                Assert.True(next == null || (next > start && next <= start + length));
            }
        }
    }

    private static bool IsRefused(byte[] bytes)
    {
        fixed (byte* start = bytes)
        {
            return Varint.Read(start, start + bytes.Length, out _) == null;
        }
    }
}
