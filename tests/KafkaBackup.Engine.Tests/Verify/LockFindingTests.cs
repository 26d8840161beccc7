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
    private const int Limit = 180_000;

    [Fact(Timeout = Limit)]
    public async Task D2_a_dead_runs_lock_is_found()
    {
        var clock = new ManualClock();
        var store = new MemoryStore(clock);
        await WriteAsync(store, 1, clock: clock);
        store[BackupKeys.Of(Id, BackupKeys.Lock)] = new LockDocument { Owner = "dead", Host = "crashed-host", RunId = "run-0", HeartbeatSeconds = 10 }.Write();
        clock.Advance(TimeSpan.FromMinutes(1));

        var finding = Assert.Single((await CheckAsync(store, clock: clock)).Findings);

        Assert.Equal((FindingKind.Lock, FindingSeverity.Warning), (finding.Kind, finding.Severity));
        Assert.Contains("crashed-host", finding.Message, StringComparison.Ordinal);
    }
}
