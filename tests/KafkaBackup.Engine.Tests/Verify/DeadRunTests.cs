using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Tests.Catalog;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;
using static KafkaBackup.Engine.Tests.Verify.SmallBackup;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>Runs that died: what they are shown as, and when a removal takes them.</summary>
public sealed class DeadRunTests
{
    [Fact]
    public async Task C1_a_run_that_died_ended_with_its_last_commit_and_is_removed_by_that()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        var started = clock.GetUtcNow();
        await DieAsync(store, clock, minutes: 5);
        clock.Advance(TimeSpan.FromMinutes(1));
        await WriteRunAsync(store, clock, "run-2");

        var dead = (await ManifestAsync(store)).Runs[0];
        Assert.Equal((BackupStatus.Incomplete, started.AddMinutes(5), 50L), (dead.State, dead.EndedAt!.Value, dead.RecordCount));
        var cut = started.AddSeconds(30).ToUnixTimeMilliseconds();
        await RemoveAsync(store, new RemoveSettings { OlderThan = cut, Force = true }, clock);
        Assert.Equal(6, Segments(await ManifestAsync(store)).Count());

        await RemoveAsync(store, new RemoveSettings { OlderThan = started.AddMinutes(5.5).ToUnixTimeMilliseconds(), Force = true }, clock);
        Assert.Equal(["run-2"], Segments(await ManifestAsync(store)).Select(s => s.RunId));
    }

    [Fact]
    public async Task C1_nothing_newer_than_the_cut_goes_with_the_only_run_that_died()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        var started = clock.GetUtcNow();
        await DieAsync(store, clock, minutes: 5);
        clock.Advance(TimeSpan.FromHours(1));

        await RemoveAsync(store, new RemoveSettings { OlderThan = started.AddMinutes(2).ToUnixTimeMilliseconds(), Force = true }, clock)
            .WaitWithAsync(clock);

        Assert.Equal(5, Segments(await ManifestAsync(store)).Count());
    }

    [Fact]
    public async Task C1_of_a_run_that_ended_before_the_cut_records_stamped_after_it_stay()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 3);

        // The segments' records are stamped in the second after Begin; the runs are said to have ended long before.
        await using (
            var session = await BackupSession.BeginAsync(
                new BackupCatalog(store),
                Id,
                new SessionOptions { RunId = "x", Clock = TimeProvider.System },
                default
            )
        )
        {
            await session.CommitAsync(
                session.Manifest! with
                {
                    Runs = session
                        .Manifest.Runs.Select(r => r with { StartedAt = Begin.AddYears(-1), EndedAt = Begin.AddYears(-1) })
                        .ToArray(),
                },
                default
            );
        }

        await RemoveAsync(store, new RemoveSettings { OlderThan = Begin.AddDays(-1).ToUnixTimeMilliseconds(), Force = true });

        Assert.Equal(6, Segments(await ManifestAsync(store)).Count());
    }

    [Fact]
    public async Task C1_a_run_that_died_is_not_shown_as_running_with_no_records()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        var started = clock.GetUtcNow();
        await DieAsync(store, clock, minutes: 3);
        clock.Advance(TimeSpan.FromMinutes(5));

        var info = await OnlyAsync(store, clock);

        Assert.Equal(BackupStatus.Incomplete, info.Status);
        var run = Assert.Single(info.Runs);
        Assert.Equal((BackupStatus.Incomplete, started.AddMinutes(3), 30L), (run.Status, run.EndedAt!.Value, run.RecordCount));
    }

    [Fact]
    public async Task H1_a_removal_is_planned_as_it_would_be_carried_out()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        await WriteAsync(store, 2, clock: clock);
        for (var i = 0; i < 3; i++)
        {
            await AddSegmentAsync(store, Id, "orders", 0, 20 + i, "dead");
        }

        await using (
            var planned = await EngineOn(store, clock: clock)
                .PlanRemovalAsync(
                    new RemoveSettings
                    {
                        Store = Settings,
                        BackupId = Id,
                        KeepLast = 5,
                    },
                    default
                )
        )
        {
            var plan = Assert.Single(planned.Plan);
            Assert.Equal((3, 3, 0, false), (plan.ObjectsRemoved, plan.LeftoversRemoved, plan.RunsRemoved, plan.WholeBackup));
        }

        await using (
            var planned = await EngineOn(store, clock: clock)
                .PlanRemovalAsync(
                    new RemoveSettings
                    {
                        Store = Settings,
                        BackupId = Id,
                        KeepLast = 1,
                    },
                    default
                )
        )
        {
            var plan = Assert.Single(planned.Plan);
            Assert.Equal((5, 3, 1), (plan.ObjectsRemoved, plan.LeftoversRemoved, plan.RunsRemoved));
        }

        await using var session = await BackupSession.BeginAsync(
            new BackupCatalog(store),
            Id,
            new SessionOptions { RunId = "live", Clock = clock },
            default
        );
        var writes = new Engine.Storage.CountingStore(store);
        var planning = EngineOn(writes, clock: clock)
            .PlanRemovalAsync(
                new RemoveSettings
                {
                    Store = Settings,
                    BackupId = Id,
                    KeepLast = 1,
                },
                default
            );
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => clock.RunAsync(planning, TimeSpan.FromSeconds(1)));
        Assert.Equal(ErrorIds.BackupLocked.Id, error.ErrorId);
        Assert.Equal(0, writes.Counts.Writes);
    }

    private static async Task<BackupInfo> OnlyAsync(MemoryStore store, ManualClock clock)
    {
        var all = new List<BackupInfo>();
        await foreach (var info in EngineOn(store, clock: clock).GetBackupsAsync(Settings, null, null, default))
        {
            all.Add(info);
        }

        return Assert.Single(all);
    }

    /// <summary>A continuous run that commits a segment each minute and then is killed: its lock stays.</summary>
    private static async Task DieAsync(MemoryStore store, ManualClock clock, int minutes)
    {
        var crashing = new CrashStore(store, int.MaxValue, CrashMoment.BeforeCall);
        var session = await BackupSession.BeginAsync(
            new BackupCatalog(crashing),
            Id,
            new SessionOptions { RunId = "run-1", Clock = clock },
            default
        );
        var begun = clock.GetUtcNow();
        for (var i = 0; i < minutes; i++)
        {
            clock.Advance(TimeSpan.FromMinutes(1));
            await CommitAsync(
                store,
                session,
                clock,
                new RunEntry
                {
                    RunId = "run-1",
                    StartedAt = begun,
                    State = BackupStatus.Running,
                    ToolVersion = "1.0.0",
                    Isolation = IsolationLevel.ReadCommitted,
                    RequestedTopics = ["orders"],
                }
            );
        }

        // Nothing of it lives on but what is stored, and its lock.
        var lockFile = store[Id + "/lock.json"];
        await session.DisposeAsync();
        store[Id + "/lock.json"] = lockFile;
    }

    private static async Task WriteRunAsync(MemoryStore store, ManualClock clock, string runId)
    {
        clock.Advance(TimeSpan.FromMinutes(1));
        await using var session = await BackupSession
            .BeginAsync(new BackupCatalog(store), Id, new SessionOptions { RunId = runId, Clock = clock }, default)
            .WaitWithAsync(clock);
        Assert.True(session.FollowsDeadRun);
        var now = clock.GetUtcNow();
        await CommitAsync(
            store,
            session,
            clock,
            new RunEntry
            {
                RunId = runId,
                StartedAt = now,
                EndedAt = now,
                State = BackupStatus.Complete,
                ToolVersion = "1.0.0",
                Isolation = IsolationLevel.ReadCommitted,
                RequestedTopics = ["orders"],
            }
        );
    }

    private static async Task CommitAsync(MemoryStore store, BackupSession session, ManualClock clock, RunEntry run)
    {
        var before = session.Manifest!.Topics.GetValueOrDefault("orders")?.Partitions[0];
        var (entry, last) = await AddSegmentAsync(store, Id, "orders", 0, before?.NextOffset ?? 0, run.RunId);
        var at = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var partition = new PartitionEntry
        {
            Partition = 0,
            CapturedStart = 0,
            CapturedEnd = entry.LastOffset + 1,
            NextOffset = entry.LastOffset + 1,
            Complete = true,
            Gaps = [],
            LastRecord = last,
            Segments = [.. before?.Segments ?? [], entry with { MinTimestamp = at - 1000, MaxTimestamp = at, HeadTimestamp = at }],
        };
        var topic = new TopicEntry
        {
            Name = "orders",
            PartitionCount = 1,
            ReplicationFactor = 1,
            Configs = new Dictionary<string, string>(),
            Partitions = new Dictionary<int, PartitionEntry> { [0] = partition },
        };
        await session.CommitAsync(
            session.Manifest with
            {
                Topics = new Dictionary<string, TopicEntry> { ["orders"] = topic },
                Runs = [.. session.Manifest.Runs.Where(r => r.RunId != run.RunId), run],
            },
            default
        );
    }
}
