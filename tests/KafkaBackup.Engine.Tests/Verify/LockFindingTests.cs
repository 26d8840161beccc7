using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;
using Xunit;
using static KafkaBackup.Engine.Tests.Verify.SmallBackup;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>What a check says of a lock, by the store's clock.</summary>
public sealed class LockFindingTests
{
    [Fact]
    public async Task D2_a_dead_runs_lock_is_found()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        await WriteAsync(store, 1, clock: clock);
        store[BackupKeys.Of(Id, BackupKeys.Lock)] = new LockDocument
        {
            Owner = "dead",
            Host = "crashed-host",
            RunId = "run-0",
            HeartbeatSeconds = 10,
        }.Write();
        clock.Advance(TimeSpan.FromMinutes(1));

        var finding = Assert.Single((await CheckAsync(store, clock: clock)).Findings);

        Assert.Equal((FindingKind.Lock, FindingSeverity.Warning), (finding.Kind, finding.Severity));
        Assert.Contains("crashed-host", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D2_a_lock_from_the_future_is_neither_alive_nor_dead_and_repair_watches_it()
    {
        var clock = new ManualClock();
        var late = new ManualClock();
        late.Advance(TimeSpan.FromDays(1));
        var store = new MemoryStore(late);
        await WriteAsync(store, 1, clock: late);
        store[BackupKeys.Of(Id, BackupKeys.Lock)] = new LockDocument
        {
            Owner = "dead",
            Host = "crashed-host",
            RunId = "run-0",
            HeartbeatSeconds = 10,
        }.Write();
        var there = new ClockStore(store, clock);

        var finding = Assert.Single((await CheckAsync(there, clock: clock)).Findings);
        Assert.Equal((FindingKind.Lock, FindingSeverity.Warning), (finding.Kind, finding.Severity));
        Assert.Contains("in the future", finding.Message, StringComparison.Ordinal);

        var plan = PlanRepairAsync(there, clock: clock);
        await clock.RunAsync(plan, TimeSpan.FromSeconds(1));
        await using var planned = await plan;
        Assert.Contains(planned.Plan.Actions, a => a.Contains("Release the lock", StringComparison.Ordinal));
    }

    /// <summary>A store whose clock is not the one that stamped its objects.</summary>
    private sealed class ClockStore(IStore inner, TimeProvider clock) : ForwardingStore(inner)
    {
        public override ValueTask<DateTimeOffset> GetClockAsync(CancellationToken cancel) => new(clock.GetUtcNow());
    }
}
