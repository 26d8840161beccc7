using KafkaBackup.Engine.Cluster;
using KafkaBackup.Testing;

namespace KafkaBackup.Engine.Tests.Cluster;

public sealed class PauseWatchTests
{
    /// <summary>The timer may notice the pause first; the next caller is told of it all the same.</summary>
    [Theory]
    [InlineData(4, false)]
    [InlineData(6, true)]
    [InlineData(100_000, true)]
    public void L6_a_process_that_did_not_run_learns_it_before_it_sends(int seconds, bool isPause)
    {
        var clock = new ShiftingClock();
        using var watch = new PauseWatch(clock);
        Assert.Null(watch.Look());

        clock.Shift(TimeSpan.FromSeconds(seconds));

        Assert.Equal(isPause, watch.Look() is not null);
        Assert.Equal(isPause, watch.Look() is { } paused && paused >= TimeSpan.FromSeconds(seconds));
        watch.Forget();
        Assert.Null(watch.Look());
    }
}
