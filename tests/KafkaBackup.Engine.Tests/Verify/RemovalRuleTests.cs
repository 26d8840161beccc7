using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;
using Xunit;
using static KafkaBackup.Engine.Tests.Verify.SmallBackup;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>What may go and what must stay; the store does not matter here.</summary>
public sealed class RemovalRuleTests
{
    [Fact]
    public async Task H5_the_last_complete_backup_needs_force()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 1);
        await WriteAsync(store, 1, "broken");
        foreach (var key in store.Keys.Where(k => k.StartsWith("broken/manifest", StringComparison.Ordinal)))
        {
            Flip(store, key, 300);
        }

        Assert.Equal(
            ErrorIds.LastCompleteBackup.Id,
            (await Assert.ThrowsAsync<KafkaBackupException>(() => RemoveAsync(store, new RemoveSettings()))).ErrorId
        );
        var old = new RemoveSettings { OlderThan = Begin.AddYears(1).ToUnixTimeMilliseconds() };
        Assert.Equal(
            ErrorIds.LastCompleteBackup.Id,
            (await Assert.ThrowsAsync<KafkaBackupException>(() => RemoveAsync(store, old))).ErrorId
        );

        // One that cannot be read may be complete, but it may go as long as another certainly is.
        await RemoveAsync(store, new RemoveSettings { BackupId = "broken" });
        Assert.DoesNotContain(store.Keys, k => k.StartsWith("broken/", StringComparison.Ordinal));
        await RemoveAsync(store, new RemoveSettings { Force = true });
        Assert.Empty(store.Keys);
    }

    [Fact]
    public async Task C1_runs_that_ended_before_a_time_are_removed()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 4);

        await RemoveAsync(store, new RemoveSettings { OlderThan = Begin.AddHours(2).ToUnixTimeMilliseconds() });
        Assert.Equal(["run-3", "run-4"], (await ManifestAsync(store)).Runs.Select(r => r.RunId));

        // With both limits a run goes only when both say so.
        await RemoveAsync(store, new RemoveSettings { OlderThan = Begin.AddYears(1).ToUnixTimeMilliseconds(), KeepLast = 1 });
        Assert.Equal(["run-4"], (await ManifestAsync(store)).Runs.Select(r => r.RunId));
    }

    [Fact]
    public async Task C1_what_is_newer_than_the_removal_stays_with_an_empty_head_and_is_reported()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        await WriteAsync(store, 2, clock: clock);
        var events = new RecordingEvents();
        var newer = Id + "/topics/orders/partition=0/segment-00000000000000000099-0000000000.kbs";
        var during = new PausedStore(
            store,
            (call, key) =>
            {
                if (call == StoreCall.PutIfAbsent && key.StartsWith(Id + "/manifest/0", StringComparison.Ordinal))
                {
                    clock.Advance(TimeSpan.FromSeconds(1));
                    store[newer] = [1];
                }

                return false;
            }
        );

        await using (
            var planned = await EngineOn(during, events, clock)
                .PlanRemovalAsync(
                    new RemoveSettings
                    {
                        Store = Settings,
                        BackupId = Id,
                        Force = true,
                    },
                    default
                )
        )
        {
            var result = Assert.Single(await planned.RunAsync(default));
            Assert.True(result is { Applied: true, WholeBackup: true });
        }

        Assert.Contains(newer, store.Keys);
        Assert.Empty((await ManifestAsync(store)).Topics);
        Assert.Contains(events.Warnings, w => w.Contains(newer, StringComparison.Ordinal));
        clock.Advance(TimeSpan.FromSeconds(1));
        await RemoveAsync(store, clock: clock);
        Assert.Empty(store.Keys);
    }

    [Fact]
    public async Task C1_pruning_leaves_no_hole_in_the_middle()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 3);

        // As after a merge: the oldest segment is of the newest run.
        await using (
            var session = await BackupSession.BeginAsync(
                new BackupCatalog(store),
                Id,
                new SessionOptions { RunId = "run-4", Clock = TimeProvider.System },
                default
            )
        )
        {
            var topic = session.Manifest!.Topics["orders"];
            var partitions = topic.Partitions.ToDictionary(
                p => p.Key,
                p => p.Value with { Segments = [p.Value.Segments[0] with { RunId = "run-3" }, .. p.Value.Segments.Skip(1)] }
            );
            await session.CommitAsync(
                session.Manifest with
                {
                    Topics = new Dictionary<string, Engine.Format.Manifests.TopicEntry>
                    {
                        ["orders"] = topic with { Partitions = partitions },
                    },
                },
                default
            );
        }

        await RemoveAsync(store, new RemoveSettings { KeepLast = 1 });

        Assert.Equal([0L, 10L, 20L], (await ManifestAsync(store)).Topics["orders"].Partitions[0].Segments.Select(s => s.FirstOffset));
    }

    [Fact]
    public async Task K_a_backup_of_the_other_tool_needs_force_and_goes_as_a_whole()
    {
        var store = new MemoryStore();
        ForeignBackup.Put(store, Id);

        Assert.Equal(
            ErrorIds.BackupReadOnly.Id,
            (await Assert.ThrowsAsync<KafkaBackupException>(() => RemoveAsync(store, new RemoveSettings()))).ErrorId
        );
        await RemoveAsync(store, new RemoveSettings { Force = true });
        Assert.Empty(store.Keys);
    }
}
