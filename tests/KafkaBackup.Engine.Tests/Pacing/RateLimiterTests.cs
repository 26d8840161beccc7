using KafkaBackup.Engine.Pacing;

namespace KafkaBackup.Engine.Tests.Pacing;

public sealed class RateLimiterTests
{
    [Theory]
    [InlineData(1000L, null, 1, 100)]
    [InlineData(null, 1_000_000L, 10, 1000)]
    [InlineData(1000L, 50_000L, 1, 100)]
    public void B14_thirty_seconds_of_steady_taking_stay_within_five_percent(long? records, long? bytes, int takeRecords, int takeBytes)
    {
        var clock = new HandClock();
        var limiter = new RateLimiter(records, bytes, clock);
        long takenRecords = 0,
            takenBytes = 0;
        while (clock.Elapsed < TimeSpan.FromSeconds(30))
        {
            takenRecords += takeRecords;
            takenBytes += takeBytes;
            clock.Advance(limiter.Take(takeRecords, takeBytes));
        }

        var rates = new List<double>();
        if (records is { } r)
        {
            rates.Add(takenRecords / 30.0 / r);
        }

        if (bytes is { } b)
        {
            rates.Add(takenBytes / 30.0 / b);
        }

        Assert.InRange(rates.Max(), 0.95, 1.05);
    }

    [Fact]
    public void B14_a_pause_is_followed_by_a_burst_of_a_second_and_no_more()
    {
        var clock = new HandClock();
        var limiter = new RateLimiter(100, null, clock);
        clock.Advance(TimeSpan.FromMinutes(5));
        Assert.NotEqual(TimeSpan.Zero, limiter.Take(1, 10));
        clock.Advance(TimeSpan.FromMinutes(5));
        var waited = TimeSpan.Zero;
        for (var i = 0; i < 200; i++)
        {
            var wait = limiter.Take(1, 10);
            waited += wait;
            clock.Advance(wait);
        }

        Assert.InRange(waited.TotalSeconds, 0.95, 1.05);
    }

    [Fact]
    public void B14_without_limits_nothing_waits() =>
        Assert.Equal(TimeSpan.Zero, new RateLimiter(null, null, TimeProvider.System).Take(long.MaxValue, long.MaxValue));

    private sealed class HandClock : TimeProvider
    {
        private long _ticks;

        public TimeSpan Elapsed => TimeSpan.FromTicks(_ticks);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Advance(TimeSpan by) => _ticks += by.Ticks;
    }
}
