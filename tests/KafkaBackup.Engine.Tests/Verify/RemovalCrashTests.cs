using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;
using Xunit;
using static KafkaBackup.Engine.Tests.Verify.SmallBackup;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>Removals that meet a writer, and removals that die.</summary>
[Trait("Run", "Long")]
public sealed class RemovalCrashTests
{
    [Fact]
    public async Task C1_a_backup_that_is_being_written_is_not_removed_even_with_force()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        await WriteAsync(store, 1, clock: clock);
        await using var session = await BackupSession.BeginAsync(
            new BackupCatalog(store),
            Id,
            new SessionOptions { RunId = "run-2", Clock = clock },
            default
        );

        var removal = RemoveAsync(store, clock: clock);
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => clock.RunAsync(removal, TimeSpan.FromSeconds(1)));

        Assert.Equal(ErrorIds.BackupLocked.Id, error.ErrorId);
    }

    [Theory]
    [InlineData("whole")]
    [InlineData("damaged")]
    [InlineData("foreign")]
    public async Task C1_a_removal_killed_at_any_store_call_leaves_the_backup_intact_or_empty_or_gone_and_can_be_run_again(string kind)
    {
        var before = new MemoryStore();
        if (kind == "foreign")
        {
            ForeignBackup.Put(before, Id);
        }
        else
        {
            await WriteAsync(before, 2);
        }

        if (kind == "damaged")
        {
            foreach (var key in before.Keys.Where(k => k.Contains("/manifest", StringComparison.Ordinal)))
            {
                Flip(before, key, 300);
            }
        }

        var crashes = await EnumeratedCrash.RunAsync(
            before.Clone,
            store => RemoveAsync(store),
            async (store, fate) =>
            {
                store.Remove(Id + "/lock.json");
                if (store.Keys.Count == 0)
                {
                    return;
                }

                if (kind != "damaged" || store.Keys.Any(k => !before.Keys.Contains(k)))
                {
                    var report = await TryCheckAsync(store);
                    Assert.True(
                        report is null || report.RecordCount == 0 || report.Status != ReportStatus.Invalid,
                        $"{fate}: {report?.RecordCount} records, {string.Join("; ", report?.Findings.Select(f => f.ToString()) ?? [])}"
                    );
                }

                if (store.Keys.Count > 0)
                {
                    await RemoveAsync(store);
                }

                Assert.Empty(store.Keys);
            }
        );

        Assert.InRange(crashes, 8, 5000);
    }

    [Fact]
    public async Task C1_pruning_killed_at_any_store_call_leaves_all_or_the_kept_runs_and_no_leftovers_after_the_rerun()
    {
        var before = new MemoryStore();
        await WriteAsync(before, 4);
        var settings = new RemoveSettings { KeepLast = 2 };

        var crashes = await EnumeratedCrash.RunAsync(
            before.Clone,
            store => RemoveAsync(store, settings),
            async (store, fate) =>
            {
                store.Remove(Id + "/lock.json");
                var between = await CheckAsync(store);
                Assert.True(
                    between.RecordCount is 80 or 40 && between.RecordsChecked == between.RecordCount,
                    $"{fate}: {between.RecordCount}"
                );
                Assert.NotEqual(ReportStatus.Invalid, between.Status);

                await RemoveAsync(store, settings);

                var after = await CheckAsync(store);
                Assert.True(after is { Findings.Count: 0, RecordsChecked: 40 }, $"{fate}: {string.Join("; ", after.Findings)}");
                Assert.Equal(4, store.Keys.Count(k => k.EndsWith(".kbs", StringComparison.Ordinal)));
            }
        );

        Assert.InRange(crashes, 20, 5000);
    }

    /// <summary>Null when there is no such backup any more.</summary>
    private static async Task<BackupReport?> TryCheckAsync(IOpenedStore store)
    {
        try
        {
            return await CheckAsync(store);
        }
        catch (KafkaBackupException error) when (error.Definition == ErrorIds.BackupNotFound)
        {
            return null;
        }
    }
}
