using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Connections;
using KafkaBackup.Engine.Wire.Messages;
using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Tests.Wire;

public sealed class PrimitiveTests
{
    [Theory]
    [InlineData(0u)]
    [InlineData(127u)]
    [InlineData(128u)]
    [InlineData(16_383u)]
    [InlineData(16_384u)]
    [InlineData(uint.MaxValue)]
    public void A_varint_is_read_as_it_was_written(uint value)
    {
        using var writer = new WireWriter();
        writer.UnsignedVarint(value);
        var reader = new WireReader(writer.ToArray(), "Test", 0, flexible: true);
        Assert.Equal(value, reader.UnsignedVarint("value"));
        Assert.Equal(0, reader.Remaining);
    }

    [Theory]
    [InlineData(new byte[] { 0xff, 0xff, 0xff, 0xff, 0x1f })]
    [InlineData(new byte[] { 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 })]
    [InlineData(new byte[] { 0x80, 0x80, 0x80, 0x80, 0x80, 0x00 })]
    [InlineData(new byte[] { 0x80 })]
    public void A_varint_that_is_none_is_an_error(byte[] bytes)
    {
        var error = Assert.Throws<WireException>(() =>
        {
            var reader = new WireReader(bytes, "Test", 0, flexible: true);
            return reader.UnsignedVarint("value");
        });
        Assert.Equal(WireFailure.Malformed, error.Kind);
    }

    [Fact]
    public void Large_records_are_sent_from_where_they_are_and_small_ones_copied()
    {
        var (head, large, small) = (new byte[61], new byte[100_000], new byte[10]);
        new Random(1).NextBytes(large);
        using var writer = new WireWriter();
        writer.BeginFrame(ProduceRequest.Definition, 9, 7, "client");
        writer.Records(head, large);
        writer.Records(head, small);
        writer.EndFrame();
        var pieces = new List<ReadOnlyMemory<byte>>();
        writer.CopyPieces(pieces);
        Assert.Equal(3, pieces.Count);
        Assert.True(System.Runtime.InteropServices.MemoryMarshal.TryGetArray(pieces[1], out var piece));
        Assert.Same(large, piece.Array);
        var frame = writer.ToArray();
        Assert.Equal(writer.TotalLength, frame.Length);
        Assert.Equal(frame.Length - 4, System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(frame));
        Assert.Equal(pieces.SelectMany(p => p.ToArray()), frame);
    }

    [Fact]
    public void The_pool_gives_large_buffers_again_and_keeps_no_more_than_it_may()
    {
        const int mib = 1 << 20;
        var pool = new WireBufferPool(retainedBytes: 4 * mib);
        var first = pool.Rent(mib);
        Assert.Equal(1, pool.Outstanding);
        pool.Return(first);
        Assert.Equal((0L, (long)mib), (pool.Outstanding, pool.Retained));
        Assert.Same(first, pool.Rent(mib - 1000));
        pool.Return(first);

        // A small answer must not hold a large buffer.
        var small = pool.Rent(mib / 3);
        Assert.NotSame(first, small);
        pool.Return(small);
        var many = Enumerable.Range(0, 10).Select(_ => pool.Rent(mib)).ToList();
        many.ForEach(pool.Return);
        Assert.InRange(pool.Retained, mib, 4 * mib);
        var huge = pool.Rent(9 * mib);
        pool.Return(huge);
        Assert.InRange(pool.Retained, 0, 4 * mib);
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory]
    [InlineData(100_000)]
    [InlineData(131_072)]
    [InlineData(131_073)]
    [InlineData(262_144)]
    [InlineData(300_000)]
    public void A_buffer_of_any_size_goes_back_to_where_it_came_from(int bytes)
    {
        var pool = new WireBufferPool();
        var large = pool.Rent(bytes);
        pool.Return(large);
        Assert.Equal(bytes <= 131_072 ? 0 : large.Length, pool.Retained);
        pool.Return(pool.Rent(bytes));
        Assert.Equal(bytes <= 131_072 ? 0 : large.Length, pool.Retained);
    }

    [Fact]
    public void A_buffer_goes_back_when_its_last_holder_lets_go_and_not_twice()
    {
        var pool = new WireBufferPool();
        var buffer = new AnswerBuffer(pool, pool.Rent(10), 10);
        buffer.Retain();
        buffer.Release();
        Assert.Equal(10, buffer.Memory.Length);
        buffer.Release();
        Assert.Equal(0, pool.Outstanding);
        Assert.Throws<ObjectDisposedException>(() => buffer.Memory);
        Assert.Throws<InvalidOperationException>(buffer.Release);
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Pauses_grow_to_their_limit_and_differ()
    {
        var (first, most) = (TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(10));
        for (var failures = 1; failures < 100; failures++)
        {
            var expected = Math.Min(10_000, 100 * Math.Pow(2, failures - 1));
            var pauses = Enumerable.Range(0, 20).Select(_ => Backoff.After(failures, first, most, 0.2).TotalMilliseconds).ToList();
            Assert.All(pauses, pause => Assert.InRange(pause, expected * 0.799, expected * 1.201));
            Assert.True(pauses.Distinct().Count() > 1);
        }
    }
}
