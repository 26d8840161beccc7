using KafkaBackup.Engine.Format.Blocks;
using Xunit;

namespace KafkaBackup.Engine.Tests.Format;

public sealed class BlockBufferPoolTests
{
    private const int Standard = BlockBufferPool.StandardBlock;

    [Fact]
    public async Task An_empty_pool_says_no_and_serves_those_who_wait_in_their_order()
    {
        using var pool = new BlockBufferPool(3 << 20);
        var first = Rent(pool);
        var second = Rent(pool);
        Assert.False(pool.TryRent(Standard, out _));
        var third = pool.RentAsync(Standard, CancellationToken.None).AsTask();
        var fourth = pool.RentAsync(Standard, CancellationToken.None).AsTask();
        Assert.False(third.IsCompleted);
        Return(first);
        Return(await third);
        Return(await fourth);
        Return(second);
        Assert.Equal(0, pool.BytesInUse);
    }

    [Fact]
    public async Task Nobody_overtakes_one_who_waits()
    {
        using var pool = new BlockBufferPool(3 << 20);
        var first = Rent(pool);
        var second = Rent(pool);
        var waiting = pool.RentAsync(Standard, CancellationToken.None).AsTask();
        Assert.False(pool.TryRent(10, out _));
        Return(first);
        Return(await waiting);
        Return(second);
    }

    [Fact]
    public async Task One_who_gives_up_makes_room_for_the_next()
    {
        using var pool = new BlockBufferPool(3 << 20);
        var first = Rent(pool);
        var second = Rent(pool);
        using var cancel = new CancellationTokenSource();
        var large = pool.RentAsync(Standard, cancel.Token).AsTask();
        var small = pool.RentAsync(10, CancellationToken.None).AsTask();
        Assert.False(small.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => large);
        Return(await small);
        Return(first);
        Return(second);
        Assert.Equal(0, pool.BytesInUse);
    }

    [Fact]
    public async Task Two_giants_are_never_out_at_once_beyond_the_budget()
    {
        using var pool = new BlockBufferPool(8 << 20);
        var giant = await pool.RentAsync(50 << 20, CancellationToken.None);
        Assert.True(giant.Capacity >= 50 << 20);
        var next = pool.RentAsync(50 << 20, CancellationToken.None).AsTask();
        Assert.False(next.IsCompleted);
        Return(giant);
        Return(await next);
        Assert.Equal(0, pool.BytesInUse);
    }

    [Fact]
    public void A_buffer_returned_twice_is_one_buffer()
    {
        using var pool = new BlockBufferPool(4 << 20);
        var buffer = Rent(pool);
        Return(buffer);
        Return(buffer);
        Assert.Equal(0, pool.BytesInUse);
        Assert.NotSame(Rent(pool), Rent(pool));
    }

    [Fact]
    public async Task A_pool_that_ends_lets_nobody_wait_for_ever()
    {
        var pool = new BlockBufferPool(3 << 20);
        var first = Rent(pool);
        Rent(pool);
        var waiting = pool.RentAsync(Standard, CancellationToken.None).AsTask();
        pool.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        Assert.Throws<ObjectDisposedException>(() => pool.TryRent(1, out _));
        Return(first);
    }

    [Fact]
    public async Task Many_threads_never_hold_more_than_the_budget()
    {
        using var pool = new BlockBufferPool(4 << 20);
        var most = 0L;
        await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(worker =>
                    Task.Run(async () =>
                    {
                        for (var round = 0; round < 500; round++)
                        {
                            using var buffer = await pool.RentAsync((worker + round) % 3 == 0 ? 100 : Standard, CancellationToken.None);
                            InterlockedMax(ref most, pool.BytesInUse);
                            buffer.GetSpan()[0] = (byte)worker;
                            await Task.Yield();
                            Assert.Equal((byte)worker, buffer.GetSpan()[0]);
                        }
                    })
                )
        );
        Assert.InRange(most, 1, pool.BudgetBytes);
        Assert.Equal(0, pool.BytesInUse);
    }

    private static void InterlockedMax(ref long target, long value)
    {
        for (var seen = Volatile.Read(ref target); value > seen; seen = Volatile.Read(ref target))
        {
            Interlocked.CompareExchange(ref target, value, seen);
        }
    }

    private static BlockBuffer Rent(BlockBufferPool pool)
    {
        Assert.True(pool.TryRent(Standard, out var buffer));
        return buffer;
    }

    private static void Return(BlockBuffer buffer) => ((IDisposable)buffer).Dispose();
}
