using KafkaBackup.Engine.Catalog;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;
using static KafkaBackup.Engine.Tests.Catalog.ManifestSamples;

namespace KafkaBackup.Engine.Tests.Catalog;

/// <summary>Locks with times and contents that no run of ours writes.</summary>
public sealed class LockOddityTests
{
    private const string LockKey = "backup/lock.json";

    [Fact]
    public async Task C1_a_lock_from_the_future_is_taken_over_when_it_does_not_change()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        clock.Advance(TimeSpan.FromDays(400));
        store[LockKey] = new LockDocument
        {
            Owner = "dead",
            Host = "crashed-host",
            RunId = "run-0",
            HeartbeatSeconds = 10,
        }.Write();
        var behind = new ManualClock();
        var there = new ClockStore(store, behind);

        var begin = BackupSession.BeginAsync(new BackupCatalog(there), "backup", Options(behind), default);
        await behind.RunAsync(begin, TimeSpan.FromSeconds(1));

        Assert.InRange(behind.GetUtcNow() - new ManualClock().GetUtcNow(), TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(50));
        await (await begin).DisposeAsync();
    }

    [Theory]
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

    [Fact]
    public async Task C1_a_lock_of_many_megabytes_is_not_read()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        store[LockKey] = new byte[64 << 20];
        clock.Advance(TimeSpan.FromMinutes(1));
        var counting = new Engine.Storage.CountingStore(store);

        await (
            await BackupSession.BeginAsync(new BackupCatalog(counting), "backup", Options(clock), default).WaitWithAsync(clock)
        ).DisposeAsync();

        Assert.InRange(counting.Counts.BytesRead, 0, 1 << 20);
    }

    [Fact]
    public async Task C1_a_lock_that_is_there_but_cannot_be_found_ends_in_an_error_that_names_it()
    {
        using var folder = new TemporaryFolder();
        await using var store = new Engine.Storage.Files.FileStore(folder.File("store"));
        Directory.CreateDirectory(folder.File("store/backup/lock.json"));
        var clock = new ManualClock();

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() =>
            BackupSession.BeginAsync(new BackupCatalog(store), "backup", Options(clock), default).WaitWithAsync(clock)
        );

        Assert.Contains(LockKey, error.Message, StringComparison.Ordinal);
        Assert.False(string.IsNullOrWhiteSpace(error.Advice));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task C1_a_failure_right_after_taking_the_lock_leaves_none_behind(bool cancelled)
    {
        var store = new MemoryStore();
        using var stop = new CancellationTokenSource();
        var taken = false;
        var failing = new CallbackStore(
            store,
            (call, key) =>
            {
                taken |= call == StoreCall.PutIfAbsent && key == LockKey;
                if (taken && call == StoreCall.Find && key == LockKey)
                {
                    taken = false;
                    stop.Cancel();
                    throw cancelled ? new OperationCanceledException(stop.Token) : ErrorIds.StoreRead.With("The store is away.", key);
                }
            }
        );

        await Assert.ThrowsAnyAsync<Exception>(() => BackupSession.BeginAsync(new BackupCatalog(failing), "backup", Options(), stop.Token));

        Assert.DoesNotContain(LockKey, store.Keys);
    }

    [Theory]
    [InlineData(StoreCall.Put)]
    [InlineData(StoreCall.Delete)]
    public async Task C1_an_answer_older_than_a_heartbeat_is_not_acted_upon(StoreCall act)
    {
        // The process stands still between reading its lock and what it does then: meanwhile a successor takes it over.
        var clock = new ManualClock();
        var leaping = new LeapingClock(clock);
        var store = new MemoryStore(clock);
        var successor = new LockDocument
        {
            Owner = "successor",
            Host = "h",
            RunId = "run-2",
            HeartbeatSeconds = 10,
        }.Write();
        var armed = false;
        var pausing = new CallbackStore(
            store,
            (_, _) => { },
            (call, key) =>
            {
                if (armed && call == StoreCall.Read && key == LockKey)
                {
                    armed = false;
                    leaping.Leap = TimeSpan.FromMinutes(5);
                    store[LockKey] = successor;
                }
            }
        );
        var session = await BackupSession.BeginAsync(new BackupCatalog(pausing), "backup", Options(leaping), default);
        armed = true;
        if (act == StoreCall.Put)
        {
            using var lost = new CancellationTokenSource(TimeSpan.FromMinutes(1));
            clock.Advance(SessionOptions.DefaultHeartbeat);
            while (!session.LockLost.IsCancellationRequested)
            {
                Assert.False(lost.IsCancellationRequested, "the lock was not found lost");
                await Task.Delay(10);
            }
        }

        await session.DisposeAsync();

        Assert.Equal(successor, store[LockKey]);
    }

    /// <summary>Goes on at once where a test says so; its timers are the other clock's.</summary>
    private sealed class LeapingClock(ManualClock inner) : TimeProvider
    {
        public TimeSpan Leap { get; set; }

        public override long TimestampFrequency => inner.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => inner.GetUtcNow() + Leap;

        public override long GetTimestamp() => inner.GetTimestamp() + Leap.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            inner.CreateTimer(callback, state, dueTime, period);
    }

    private sealed class CallbackStore(
        Engine.Storage.IStore inner,
        Action<StoreCall, string> before,
        Action<StoreCall, string>? after = null
    ) : InterceptingStore(inner)
    {
        protected override ValueTask BeforeAsync(StoreCall call, string key, CancellationToken cancel)
        {
            before(call, key);
            return ValueTask.CompletedTask;
        }

        protected override void After(StoreCall call, string key) => after?.Invoke(call, key);
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
