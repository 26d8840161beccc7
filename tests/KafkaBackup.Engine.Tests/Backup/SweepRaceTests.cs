using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Tests.Verify;
using KafkaBackup.Testing.Storage;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>A run that is paused while it clears up after a dead one, and goes on when its successor has committed.</summary>
public sealed class SweepRaceTests
{
    private const string LockKey = "b/lock.json";
    private const int Rounds = 60;

    [Fact]
    [Trait("Run", "Long")]
    public async Task C1_a_paused_sweep_takes_nothing_that_its_successor_has_committed()
    {
        var stopped = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var store = new MemoryStore();
            await using var scenario = new BackupScenario(store: store);
            scenario.Cluster.CreateTopic("orders");
            scenario.Fill("orders", 200, batch: 25);
            await DieAsync(scenario, store);
            for (var i = 0; i < 8; i++)
            {
                store[$"b/topics/orders/partition=0/segment-{i * 20:D20}-dead{i}.kbs"] = [1];
            }

            // Paused at any call from the listing of leftovers on: 0 is the listing, the others are what follows.
            var (sweeping, calls) = (false, 0);
            PausedStore? paused = null;
            scenario.Wrap = inner =>
                paused = new PausedStore(
                    inner,
                    (call, key) =>
                    {
                        sweeping |= call == StoreCall.List && key == "b/topics/";
                        return sweeping && calls++ == round % 30;
                    }
                );
            var settings = BackupScenario.Asked() with { SegmentMaxRecords = 25 };
            var zombie = scenario.BackUpAsync(settings);
            var isPaused = await Task.WhenAny(zombie, paused!.Paused.WaitAsync(scenario.Cancel)) != zombie;
            scenario.Wrap = inner => inner;
            if (isPaused)
            {
                stopped++;
                store.Remove(LockKey);
                scenario.Fill("orders", 100, 200, batch: 25);
                Assert.Equal(BackupStatus.Complete, (await scenario.BackUpAsync(settings)).Status);
                paused.Continue();
            }

            var error = await Record.ExceptionAsync(() => zombie);
            Assert.True(!isPaused || error is KafkaBackupException { ErrorId: "BackupLockLost" }, $"round {round}: {error}");
            var report = await scenario
                .Engine()
                .CheckBackupAsync(
                    new CheckSettings
                    {
                        Store = new StoreSettings { Path = scenario.StorePath },
                        BackupId = "b",
                        Deep = true,
                    },
                    default
                );
            Assert.True(
                report.Findings.All(f => f.Severity != FindingSeverity.Error),
                $"round {round}: {string.Join("; ", report.Findings)}"
            );
            await scenario.AssertStoredIsSourceAsync("orders");
        }

        Assert.InRange(stopped, Rounds / 2, Rounds);
    }

    [Fact]
    public async Task C1_leftovers_go_only_after_a_commit_of_our_own()
    {
        var store = new MemoryStore();
        await using var scenario = new BackupScenario(store: store);
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 200, batch: 25);
        var settings = BackupScenario.Asked() with { ConsumerGroupSnapshot = false };
        await DieAsync(scenario, store, settings);
        store["b/topics/orders/partition=0/segment-00000000000000000000-dead.kbs"] = [1];
        var calls = new List<(StoreCall Call, string Key)>();
        scenario.Wrap = inner => new PausedStore(
            inner,
            (call, key) =>
            {
                calls.Add((call, key));
                return false;
            }
        );

        Assert.Equal(BackupStatus.Complete, (await scenario.BackUpAsync(settings)).Status);

        var firstDelete = calls.FindIndex(c => c.Call == StoreCall.Delete && c.Key.EndsWith("-dead.kbs", StringComparison.Ordinal));
        var firstHead = calls.FindIndex(c => c.Call == StoreCall.PutIfAbsent && c.Key.StartsWith("b/manifest/0", StringComparison.Ordinal));
        Assert.InRange(firstHead, 0, firstDelete);
    }

    [Fact]
    public async Task C1_leftovers_go_side_by_side_and_each_asks_for_the_lock_itself()
    {
        foreach (var isTakenOver in (bool[])[false, true])
        {
            var store = new MemoryStore();
            await using var scenario = new BackupScenario(store: store);
            scenario.Cluster.CreateTopic("orders");
            scenario.Fill("orders", 200);
            await DieAsync(scenario, store);
            for (var i = 0; i < 3 * OwnedDeletion.AtOnce; i++)
            {
                store[$"b/topics/orders/partition=0/segment-{i * 20:D20}-dead{i}.kbs"] = [1];
            }

            DeletionOrderTests.WatchedStore? watched = null;
            scenario.Wrap = inner =>
                watched = new DeletionOrderTests.WatchedStore(inner, DeletionOrderTests.IsSegment)
                {
                    WhenFull = () =>
                    {
                        if (isTakenOver)
                        {
                            store[LockKey] = "{}"u8.ToArray();
                        }
                    },
                };

            var error = await Record.ExceptionAsync(() => scenario.BackUpAsync());

            Assert.Equal(OwnedDeletion.AtOnce, watched!.MostAtOnce);
            Assert.Equal(isTakenOver ? nameof(ErrorIds.BackupLockLost) : null, (error as KafkaBackupException)?.ErrorId);
            Assert.Equal((isTakenOver ? 1 : 3) * OwnedDeletion.AtOnce, watched.Begun.Count(DeletionOrderTests.IsSegment));
            Assert.Equal(isTakenOver, store.Keys.Any(k => k.Contains("-dead", StringComparison.Ordinal)));
        }
    }

    /// <summary>A run that dies as it is about to write its first segment.</summary>
    private static async Task DieAsync(BackupScenario scenario, MemoryStore store, BackupSettings? settings = null)
    {
        scenario.Wrap = inner => new DyingStore(inner);
        await Assert.ThrowsAsync<ProcessDiedException>(() => scenario.BackUpAsync(settings));
        scenario.Wrap = inner => inner;
        store.Remove(BackupKeys.Of("b", BackupKeys.Lock));
    }

    private sealed class DyingStore(Engine.Storage.IStore inner) : InterceptingStore(inner)
    {
        private volatile bool _dead;

        protected override bool LetsCleanUp => !_dead;

        protected override ValueTask BeforeAsync(StoreCall call, string key, CancellationToken cancel)
        {
            _dead |= call == StoreCall.Create;
            return _dead ? throw new ProcessDiedException() : ValueTask.CompletedTask;
        }

        protected override void After(StoreCall call, string key) { }
    }
}
