using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing.Storage;
using static KafkaBackup.Engine.Tests.Catalog.ManifestSamples;

namespace KafkaBackup.Engine.Tests.Catalog;

/// <summary>A writer that was paused, succeeded by another, and goes on.</summary>
public sealed class ZombieTests
{
    private const string LockKey = "backup/lock.json";

    [Fact]
    public async Task C1_a_zombies_commit_is_refused_although_its_generation_was_trimmed()
    {
        // At each store call of its commit in turn, with successors that commit little or so much that the zombie's number is trimmed away.
        var refused = 0;
        for (var round = 0; round < 120; round++)
        {
            var store = new MemoryStore();
            await using (var first = await BeginAsync(store))
            {
                await first.CommitAsync(first.Manifest!.With(Topic("orders", Partition(0))), default);
            }

            var (calls, pauseAt) = (0, round % 12);
            var committing = false;
            var paused = new PausedStore(store, (_, _) => committing && calls++ == pauseAt);
            await using var zombie = await BeginAsync(paused);
            committing = true;
            var commit = zombie.CommitAsync(zombie.Manifest!.Appended("orders", 0), default);
            if (await Task.WhenAny(commit, paused.Paused) == commit)
            {
                // The commit has fewer calls than that; the release of the lock is none of them.
                committing = false;
                await commit;
                continue;
            }

            store.Remove(LockKey);
            long newest;
            string[] heads;
            await using (var successor = await BeginAsync(store))
            {
                // When the zombie's head is there already it is a commit like any other, and the successor builds on it.
                for (var i = 0; i <= round % 17; i++)
                {
                    await successor.CommitAsync(successor.Manifest!.Appended("orders", 0, 10 + i), default);
                }

                newest = successor.Manifest!.Generation;
                heads = Heads(store);
                paused.Continue();
                var error = await Record.ExceptionAsync(() => commit);
                if (error is not null)
                {
                    Assert.Equal(ErrorIds.BackupLockLost.Id, Assert.IsType<KafkaBackupException>(error).ErrorId);
                    refused++;
                }
                else
                {
                    Assert.True(zombie.Manifest!.Generation < newest, $"round {round}");
                }

                Assert.Equal(heads, Heads(store));
                await successor.CommitAsync(successor.Manifest!.Appended("orders", 0, 5), default);
            }

            var opened = await new BackupCatalog(store).OpenAsync("backup", default);
            Assert.Equal(newest + 1, opened.Generation);
            Assert.DoesNotContain(opened.Findings, f => f.Severity != FindingSeverity.Information && f.Kind == FindingKind.ManifestDamaged);
        }

        Assert.InRange(refused, 20, 120);
    }

    [Fact]
    public async Task C1_a_zombie_does_not_bring_back_a_removed_backup()
    {
        // The backup is removed, lock and all, while the zombie stands at each store call of its commit in turn.
        var refused = 0;
        for (var pauseAt = 0; pauseAt < 12; pauseAt++)
        {
            var store = new MemoryStore();
            await using (var first = await BeginAsync(store))
            {
                await first.CommitAsync(first.Manifest!.With(Topic("orders", Partition(0))), default);
            }

            var (calls, committing) = (0, false);
            var paused = new PausedStore(store, (_, _) => committing && calls++ == pauseAt);
            await using var zombie = await BeginAsync(paused);
            committing = true;
            var commit = zombie.CommitAsync(zombie.Manifest!.Appended("orders", 0), default);
            var ended = await Task.WhenAny(commit, paused.Paused) == commit;
            committing = false;
            if (ended)
            {
                await commit;
                continue;
            }

            foreach (var key in store.Keys.Where(key => key.StartsWith("backup/", StringComparison.Ordinal)).ToList())
            {
                store.Remove(key);
            }

            paused.Continue();
            var error = await Record.ExceptionAsync(() => commit);

            Assert.True(error is null || error is KafkaBackupException, $"call {pauseAt}: {error}");
            refused += error is null ? 0 : 1;
            Assert.True(error is null || Heads(store).Length == 0, $"call {pauseAt}: a head is left");
        }

        Assert.InRange(refused, 3, 12);
    }

    [Fact]
    public async Task C1_what_deletes_asks_before_each_delete_whether_it_still_owns_the_backup()
    {
        // Trims, merges and removals alike: none of them may take anything once another holds the lock.
        for (var round = 0; round < 60; round++)
        {
            var store = new MemoryStore();
            await using (var first = await BeginAsync(store))
            {
                for (var i = 0; i < 7; i++)
                {
                    await first.CommitAsync(
                        i == 0 ? first.Manifest!.With(Topic("orders", Partition(0))) : first.Manifest!.Appended("orders", 0),
                        default
                    );
                }
            }

            var (deletes, committing) = (0, true);
            var paused = new PausedStore(store, (call, _) => committing && call == StoreCall.Delete && deletes++ == round % 6);
            await using var zombie = await BackupSession.BeginAsync(
                new BackupCatalog(paused),
                "backup",
                Options() with
                {
                    KeptHeads = 1,
                },
                default
            );
            var commit = zombie.CommitAsync(zombie.Manifest!.Appended("orders", 0), default);
            if (await Task.WhenAny(commit, paused.Paused) == commit)
            {
                // The commit has fewer deletes than that; the release of the lock is none of them.
                committing = false;
                await commit;
                continue;
            }

            store.Remove(LockKey);
            await using var successor = await BeginAsync(store);
            await successor.CommitAsync(successor.Manifest!.Appended("orders", 0), default);
            var before = store.Keys;
            paused.Continue();
            await Record.ExceptionAsync(() => commit);

            // The one delete that was on its way when the process was stopped comes through; it takes what no kept head of either names.
            Assert.InRange(before.Except(store.Keys).Count(), 0, 1);
            Assert.Equal(successor.Manifest!.Generation, (await OpenAsync(store)).Generation);
            var named = await NamedObjects.ReadAsync(store, "backup", known: null, default);
            Assert.True(named.AllRead, $"round {round}");
            Assert.Empty(named.Pages.Select(page => $"backup/{page}").Except(store.Keys));
        }
    }

    private static string[] Heads(MemoryStore store) =>
        [.. store.Keys.Where(k => k.StartsWith("backup/manifest/0", StringComparison.Ordinal))];

    private static Task<BackupSession> BeginAsync(IStore store) =>
        BackupSession.BeginAsync(new BackupCatalog(store), "backup", Options(), default);
}
