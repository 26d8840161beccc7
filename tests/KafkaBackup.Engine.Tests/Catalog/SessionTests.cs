using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;
using static KafkaBackup.Engine.Tests.Catalog.ManifestSamples;

namespace KafkaBackup.Engine.Tests.Catalog;

/// <summary>One writer at a time, and a commit that is there or not.</summary>
public sealed class SessionTests
{
    private const string Lock = "backup/lock.json";

    [Fact]
    public async Task C1_a_new_backup_begins_with_a_head_that_names_nothing()
    {
        var store = new MemoryStore();
        await using (var session = await BeginAsync(store, TimeProvider.System))
        {
            Assert.True(session.IsNew);
            Assert.Equal(1, session.Manifest!.Generation);
            Assert.Contains(Lock, store.Keys);
        }

        Assert.DoesNotContain(Lock, store.Keys);
        Assert.Empty((await OpenAsync(store)).Topics);
        await using var second = await BeginAsync(store, TimeProvider.System);
        Assert.False(second.IsNew);
    }

    [Fact]
    public async Task C1_a_second_writer_beside_a_living_one_is_refused_and_told_who_it_is()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        await using var first = await BeginAsync(store, clock);

        var second = BeginAsync(store, clock);
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => clock.RunAsync(second, TimeSpan.FromSeconds(1)));

        Assert.Equal(ErrorIds.BackupLocked.Id, error.ErrorId);
        Assert.Contains(Environment.MachineName, error.Message, StringComparison.Ordinal);
        await first.CommitAsync(first.Manifest!, default);
    }

    [Fact]
    public async Task C1_without_patience_a_held_lock_is_refused_at_once()
    {
        var store = new MemoryStore();
        await using var first = await BeginAsync(store, TimeProvider.System);

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() =>
            BackupSession.BeginAsync(new BackupCatalog(store), "backup", Options() with { LockPatience = TimeSpan.Zero }, default)
        );

        Assert.Equal(ErrorIds.BackupLocked.Id, error.ErrorId);
    }

    [Fact]
    public async Task C1_a_dead_writers_lock_is_taken_over_after_three_heartbeats_of_the_stores_clock()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        await DieHoldingTheLockAsync(store, clock);
        var begin = clock.GetUtcNow();

        var next = BeginAsync(store, clock);
        await clock.RunAsync(next, TimeSpan.FromSeconds(1));

        Assert.InRange(clock.GetUtcNow() - begin, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(45));
        await using var session = await next;
        await session.CommitAsync(session.Manifest!, default);
    }

    [Fact]
    public async Task C1_a_wrong_clock_of_this_machine_does_not_make_a_lock_stale()
    {
        var storeClock = new ManualClock();
        var store = new MemoryStore(storeClock);
        await using var first = await BeginAsync(store, storeClock);
        var wrong = new ManualClock();
        wrong.Advance(TimeSpan.FromDays(365));

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() =>
            BackupSession.BeginAsync(new BackupCatalog(store), "backup", Options(wrong) with { LockPatience = TimeSpan.Zero }, default)
        );

        Assert.Equal(ErrorIds.BackupLocked.Id, error.ErrorId);
    }

    [Fact]
    public async Task C1_a_writer_that_lost_its_lock_is_told_and_commits_nothing_more()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        await using var paused = await BeginAsync(store, clock);
        var before = paused.Manifest!.Generation;
        store[Lock] = new LockDocument
        {
            Owner = "somebody else",
            Host = "other-host",
            RunId = "run-9",
            HeartbeatSeconds = 10,
        }.Write();

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => paused.CommitAsync(paused.Manifest!, default));

        Assert.Equal(ErrorIds.BackupLockLost.Id, error.ErrorId);
        Assert.Contains("other-host", error.Message, StringComparison.Ordinal);
        Assert.True(paused.LockLost.IsCancellationRequested);
        Assert.Equal(before, (await OpenAsync(store)).Generation);
        await paused.DisposeAsync();
        Assert.Contains(Lock, store.Keys);
    }

    [Fact]
    public async Task C1_the_heartbeat_notices_a_lost_lock_without_a_commit()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        await using var session = await BeginAsync(store, clock);
        store.Remove(Lock);
        var lost = new TaskCompletionSource();
        using var registration = session.LockLost.Register(lost.SetResult);

        await clock.RunAsync(lost.Task, TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task C1_a_store_that_takes_no_heartbeat_for_three_intervals_costs_the_lock()
    {
        var clock = new ManualClock();
        var faulty = new FaultyStore(new MemoryStore(clock));
        await using var session = await BeginAsync(faulty, clock);
        faulty.FailBefore(StoreCall.Put, ErrorIds.StoreUnavailable.With("gone"), times: 4, key: k => k == Lock);
        var lost = new TaskCompletionSource();
        using var registration = session.LockLost.Register(lost.SetResult);

        await clock.RunAsync(lost.Task, TimeSpan.FromSeconds(1));

        faulty.AssertAllExercised();
        Assert.Equal(
            ErrorIds.BackupLockLost.Id,
            (await Assert.ThrowsAsync<KafkaBackupException>(() => session.CommitAsync(session.Manifest!, default))).ErrorId
        );
    }

    [Fact]
    public async Task C1_losing_the_race_for_a_generation_means_not_the_owner()
    {
        var store = new MemoryStore();
        await using var session = await BeginAsync(store, TimeProvider.System);
        store[BackupKeys.Of("backup", BackupKeys.Head(2))] = [1];

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => session.CommitAsync(session.Manifest!, default));

        Assert.Equal(ErrorIds.BackupLockLost.Id, error.ErrorId);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task C1_a_commit_whose_answer_was_lost_is_built_on_by_the_next(bool arrived)
    {
        var store = new MemoryStore();
        var faulty = new FaultyStore(store);
        await using var session = await BeginAsync(faulty, TimeProvider.System);
        var error = ErrorIds.StoreUnavailable.With("no answer");
        _ = arrived ? faulty.FailAfter(StoreCall.PutIfAbsent, error) : faulty.FailBefore(StoreCall.PutIfAbsent, error);
        var first = session.Manifest!.With(Topic("orders", Partition(0, Segment("orders", 0, 0))));
        await Assert.ThrowsAsync<KafkaBackupException>(() => session.CommitAsync(first, default));

        var second = await session.CommitAsync(first.Appended("orders", 0), default);

        faulty.AssertAllExercised();
        Assert.Equal(arrived ? 3 : 2, second.Generation);
        AssertSame(second, await OpenAsync(store));
    }

    [Fact]
    public async Task C4_a_copy_that_cannot_be_written_does_not_fail_the_commit_and_is_reported()
    {
        var store = new MemoryStore();
        var faulty = new FaultyStore(store);
        await using var session = await BeginAsync(faulty, TimeProvider.System);
        faulty.FailBefore(StoreCall.Put, ErrorIds.StoreFull.With("full"), key: k => k == "backup/manifest.json");

        var committed = await session.CommitAsync(session.Manifest! with { Complete = true }, default);

        faulty.AssertAllExercised();
        Assert.Equal(FindingKind.ManifestCopy, Assert.Single(session.Findings).Kind);
        Assert.Equal(committed.Generation, (await OpenAsync(store)).Generation);
    }

    [Fact]
    public async Task C4_a_disk_that_is_full_at_the_commit_leaves_the_backup_as_it_was()
    {
        var store = new MemoryStore();
        var faulty = new FaultyStore(store);
        await using var session = await BeginAsync(faulty, TimeProvider.System);
        var before = await session.CommitAsync(session.Manifest!.With(Topic("orders", Partition(0))), default);
        faulty.FailBefore(StoreCall.PutIfAbsent, ErrorIds.StoreFull.With("full"));

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => session.CommitAsync(before.Appended("orders", 0), default));

        Assert.Equal(ErrorIds.StoreFull.Id, error.ErrorId);
        AssertSame(before, await OpenAsync(store));
    }

    [Fact]
    public async Task C1_an_operation_on_a_backup_that_must_exist_writes_nothing_when_it_does_not()
    {
        var store = new MemoryStore();

        var error = await Assert.ThrowsAsync<KafkaBackupException>(() =>
            BackupSession.BeginAsync(new BackupCatalog(store), "backup", Options() with { CreateIfMissing = false }, default)
        );

        Assert.Equal(ErrorIds.BackupNotFound.Id, error.ErrorId);
        Assert.Empty(store.Keys);
    }

    [Fact]
    public async Task C2_a_repair_commits_over_a_manifest_that_is_beyond_use()
    {
        var store = new MemoryStore();
        Manifest original;
        await using (var session = await BeginAsync(store, TimeProvider.System))
        {
            original = await session.CommitAsync(session.Manifest!.With(Topic("orders", Partition(0, Segment("orders", 0, 0)))), default);
        }

        foreach (var key in store.Keys)
        {
            store[key] = [1, 2, 3];
        }

        await using (
            var repair = await BackupSession.BeginAsync(new BackupCatalog(store), "backup", Options() with { Rebuild = true }, default)
        )
        {
            Assert.Null(repair.Manifest);
            Assert.Equal(original.Generation + 1, (await repair.CommitAsync(original, default)).Generation);
        }

        var opened = await new BackupCatalog(store).OpenAsync("backup", default);
        AssertSame(original, opened.Manifest);
        Assert.Empty(opened.Findings);
    }

    [Fact]
    public async Task C1_pages_of_commits_that_died_are_removed_only_after_a_day()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        await (await BeginAsync(store, clock)).DisposeAsync();
        store["backup/manifest/pages/00000000000000000002-topics-dead.json"] = [1];
        store["backup/manifest/copies/00000000000000000002-topics-dead.json"] = [1];

        foreach (var (age, left) in ((TimeSpan, int)[])[(TimeSpan.FromHours(23), 2), (TimeSpan.FromHours(2), 0)])
        {
            clock.Advance(age);
            await using var session = await BeginAsync(store, clock);
            await session.CommitAsync(session.Manifest!, default);
            Assert.Equal(left, store.Keys.Count(k => k.Contains("dead", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public async Task H1_describing_a_lock_and_opening_write_nothing()
    {
        var store = new MemoryStore();
        await using var session = await BeginAsync(store, TimeProvider.System);
        var catalog = new BackupCatalog(new ReadOnlyStore(store, TimeProvider.System));

        var holder = await BackupSession.DescribeLockAsync(catalog, "backup", default);
        await catalog.OpenAsync("backup", default);

        Assert.Equal((Environment.MachineName, Environment.ProcessId, "run-1"), (holder!.Host, holder.ProcessId, holder.RunId));
        Assert.Null(await BackupSession.DescribeLockAsync(catalog, "other", default));
    }

    private static Task<BackupSession> BeginAsync(IStore store, TimeProvider clock) =>
        BackupSession.BeginAsync(new BackupCatalog(store), "backup", Options(clock), default);

    private static async Task DieHoldingTheLockAsync(MemoryStore store, ManualClock clock)
    {
        await (await BeginAsync(store, clock)).DisposeAsync();
        store[Lock] = new LockDocument
        {
            Owner = "dead",
            Host = "crashed-host",
            RunId = "run-0",
            HeartbeatSeconds = 10,
        }.Write();
    }
}
