using System.Text;
using KafkaBackup.LocalBroker.Log;
using KafkaBackup.LocalBroker.Log.Compression;
using Xunit;

namespace KafkaBackup.LocalBroker.Tests;

public sealed class CodecTests
{
    [Theory]
    [InlineData("123456789", 0xE3069283u)]
    [InlineData("", 0u)]
    public void The_checksum_is_crc_32c(string text, uint expected) =>
        Assert.Equal(expected, Crc32C.Compute(Encoding.ASCII.GetBytes(text)));

    [Fact]
    public void Snappy_in_the_framing_of_the_java_library_is_opened()
    {
        // A block of 11 bytes: a literal of four, then a copy of seven from four back.
        byte[] block = [11, 3 << 2, (byte)'a', (byte)'b', (byte)'c', (byte)'d', (3 << 2) | 1, 4];
        byte[] framed =
        [
            0x82,
            (byte)'S',
            (byte)'N',
            (byte)'A',
            (byte)'P',
            (byte)'P',
            (byte)'Y',
            0,
            0,
            0,
            0,
            1,
            0,
            0,
            0,
            1,
            0,
            0,
            0,
            (byte)block.Length,
            .. block,
        ];
        Assert.Equal("abcdabcdabc", Encoding.ASCII.GetString(Codecs.Decompress(Codecs.Snappy, block)));
        Assert.Equal("abcdabcdabc", Encoding.ASCII.GetString(Codecs.Decompress(Codecs.Snappy, framed)));
    }

    [Fact]
    public void A_reference_before_the_start_of_a_block_is_refused()
    {
        byte[] block = [8, 0, (byte)'a', (3 << 2) | 1, 9];
        Assert.Throws<InvalidDataException>(() => Codecs.Decompress(Codecs.Snappy, block));
    }

    [Theory]
    [InlineData(Codecs.Gzip)]
    [InlineData(Codecs.Snappy)]
    [InlineData(Codecs.Lz4)]
    [InlineData(Codecs.Zstd)]
    public void What_was_compressed_opens_again(int codec)
    {
        var data = Enumerable.Range(0, 300_000).Select(i => (byte)(i * i % 251)).ToArray();
        Assert.Equal(data, Codecs.Decompress(codec, Codecs.Compress(codec, data)));
    }

    [Fact]
    public void A_cut_zstd_frame_is_refused()
    {
        var whole = Codecs.Compress(Codecs.Zstd, new byte[100_000]);
        Assert.Throws<InvalidDataException>(() => Codecs.Decompress(Codecs.Zstd, whole.AsSpan(0, whole.Length - 3)));
    }
}
