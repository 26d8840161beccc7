using KafkaBackup.Engine.Catalog;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;
using static KafkaBackup.Engine.Tests.Catalog.ManifestSamples;

namespace KafkaBackup.Engine.Tests.Catalog;

/// <summary>Locks with times and contents that no run of ours writes.</summary>
public sealed class LockOddityTests
{
    private const int Limit = 180_000;
    private const string LockKey = "backup/lock.json";

    [Fact(Timeout = Limit)]
    public async Task C1_a_lock_from_the_future_is_taken_over_when_it_does_not_change()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        clock.Advance(TimeSpan.FromDays(400));
        store[LockKey] = new LockDocument { Owner = "dead", Host = "crashed-host", RunId = "run-0", HeartbeatSeconds = 10 }.Write();
        var behind = new ManualClock();
        var there = new ClockStore(store, behind);

        var begin = BackupSession.BeginAsync(new BackupCatalog(there), "backup", Options(behind), default);
        await behind.RunAsync(begin, TimeSpan.FromSeconds(1));

        Assert.InRange(behind.GetUtcNow() - new ManualClock().GetUtcNow(), TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(50));
        await (await begin).DisposeAsync();
    }

    [Theory(Timeout = Limit)]
    [InlineData("""{"format":"kafkabackup-lock","owner":"x","host":"h","runId":"r","heartbeatSeconds":1e300}""")]
    [InlineData("""{"format":"kafkabackup-lock","owner":"x","host":"h","runId":"r","heartbeatSeconds":-1e300}""")]
    [InlineData("""{"format":"kafkabackup-lock","owner":null,"host":null,"runId":null,"heartbeatSeconds":0}""")]
    [InlineData("""{"format":"kafkabackup-lock","owner":"x","host":"h","runId":"r","startedAt":"9999-12-31T23:59:59Z","processId":-1}""")]
    [InlineData("null")]
    [InlineData("[")]
    [InlineData("")]
    public async Task C1_whatever_a_lock_says_it_is_taken_over_within_minutes(string content)
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        store[LockKey] = System.Text.Encoding.UTF8.GetBytes(content);

        var begin = BackupSession.BeginAsync(new BackupCatalog(store), "backup", Options(clock), default);
        await clock.RunAsync(begin, TimeSpan.FromSeconds(1));

        Assert.InRange(clock.GetUtcNow() - new ManualClock().GetUtcNow(), TimeSpan.FromSeconds(3), TimeSpan.FromMinutes(4));
        await (await begin).DisposeAsync();
    }

    [Fact(Timeout = Limit)]
    public async Task C1_a_lock_of_many_megabytes_is_not_read()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        store[LockKey] = new byte[64 << 20];
        clock.Advance(TimeSpan.FromMinutes(1));
        var counting = new Engine.Storage.CountingStore(store);

        await (await BackupSession.BeginAsync(new BackupCatalog(counting), "backup", Options(clock), default).WaitWithAsync(clock)).DisposeAsync();

        Assert.InRange(counting.Counts.BytesRead, 0, 1 << 20);
    }

    /// <summary>A store whose clock is not the one that stamped its objects.</summary>
    private sealed class ClockStore(Engine.Storage.IStore inner, TimeProvider clock) : Engine.Storage.ForwardingStore(inner)
    {
        public override ValueTask<DateTimeOffset> GetClockAsync(CancellationToken cancel) => new(clock.GetUtcNow());
    }
}

internal static class WaitingWithClock
{
    public static async Task<T> WaitWithAsync<T>(this Task<T> task, ManualClock clock)
    {
        await clock.RunAsync(task, TimeSpan.FromSeconds(1));
        return await task;
    }
}
