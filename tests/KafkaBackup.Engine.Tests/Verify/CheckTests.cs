using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Tests.Scenarios;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Records;
using KafkaBackup.Testing.Storage;
using Xunit;
using static KafkaBackup.Engine.Tests.Verify.SmallBackup;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>Each kind of finding, with place and advice.</summary>
public class CheckTests : OnStore
{
    [Fact]
    public async Task D2_a_sound_backup_has_no_findings_and_every_byte_was_read()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 3);

        var report = await CheckAsync(store);

        Assert.Empty(report.Findings);
        Assert.Equal(
            (ReportStatus.Valid, 6, 6, 60L, 60L),
            (report.Status, report.SegmentCount, report.SegmentsChecked, report.RecordCount, report.RecordsChecked)
        );
        Assert.True(report.BytesRead >= store.Keys.Where(k => k.EndsWith(".kbs", StringComparison.Ordinal)).Sum(k => store[k].Length));
    }

    [Fact]
    public async Task D2_missing_truncated_and_grown_segments_are_found_without_reading_them()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 2);
        var (missing, cut, grown) = (SegmentKey(store, 0), SegmentKey(store, 1), SegmentKey(store, 2));
        store.Remove(missing);
        store[cut] = store[cut][..^7];
        store[grown] = [.. store[grown], 0];

        var report = await CheckAsync(store, deep: false);

        Assert.Equal(ReportStatus.Invalid, report.Status);
        Assert.Equal(
            new[] { (FindingKind.Missing, missing), (FindingKind.Truncated, cut), (FindingKind.Corrupt, grown) }.Order(),
            report.Findings.Select(f => (f.Kind, f.Place)).Order()
        );
        Assert.All(report.Findings, f => Assert.False(string.IsNullOrWhiteSpace(f.Advice)));
        Assert.Equal(0, report.RecordsChecked);
    }

    [Fact]
    public async Task D2_a_flipped_byte_is_corrupt_only_to_a_deep_check()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 1);
        Flip(store, SegmentKey(store), store[SegmentKey(store)].Length / 2);

        Assert.Equal(ReportStatus.Valid, (await CheckAsync(store, deep: false)).Status);
        var finding = Assert.Single((await CheckAsync(store)).Findings);
        Assert.Equal((FindingKind.Corrupt, SegmentKey(store)), (finding.Kind, finding.Place));
    }

    [Fact]
    public async Task D2_orphans_and_uploads_without_end_are_found_unless_somebody_writes()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 1);
        var (orphan, _) = await AddSegmentAsync(store, Id, "orders", 0, 10, "run-2");
        await using var upload = await BegunUploadAsync(store, 20);

        var kinds = (await CheckAsync(store)).Findings.Select(f => f.Kind).Order();
        Assert.Equal([FindingKind.Orphaned, FindingKind.StaleUpload], kinds);
        Assert.Contains((await CheckAsync(store)).Findings, f => f.Place == BackupKeys.Of(Id, orphan.Key));

        await using var session = await BackupSession.BeginAsync(
            new BackupCatalog(store),
            Id,
            new SessionOptions { RunId = "run-2", Clock = TimeProvider.System },
            default
        );
        var busy = Assert.Single((await CheckAsync(store)).Findings);
        Assert.Equal((FindingKind.Lock, FindingSeverity.Information), (busy.Kind, busy.Severity));
    }

    [Fact]
    public async Task B5_gaps_and_an_incomplete_run_are_told()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 1);
        await using (
            var session = await BackupSession.BeginAsync(
                new BackupCatalog(store),
                Id,
                new SessionOptions { RunId = "run-2", Clock = TimeProvider.System },
                default
            )
        )
        {
            var topic = session.Manifest!.Topics["orders"];
            var partitions = topic.Partitions.ToDictionary(p => p.Key, p => p.Value);
            partitions[0] = partitions[0] with
            {
                NextOffset = 15,
                Gaps = [new Engine.Format.Manifests.GapEntry(10, 15, "retention", Begin)],
            };
            await session.CommitAsync(
                session.Manifest with
                {
                    Complete = false,
                    Topics = new Dictionary<string, Engine.Format.Manifests.TopicEntry>
                    {
                        ["orders"] = topic with { Partitions = partitions },
                    },
                },
                default
            );
        }

        var report = await CheckAsync(store);

        Assert.Equal([FindingKind.Gap, FindingKind.Incomplete], report.Findings.Select(f => f.Kind).Order());
        Assert.Equal(ReportStatus.ValidWithWarnings, report.Status);
    }

    [Fact]
    public async Task H1_a_check_writes_nothing_not_even_to_learn_the_time()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 2);
        var counting = new CountingStore(store);

        await CheckAsync(counting);

        Assert.Equal(0, counting.Counts.Writes);
    }
}
