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
    private const int Limit = 30_000;

    [Fact(Timeout = Limit)]
    public async Task D2_a_sound_backup_has_no_findings_and_every_byte_was_read()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 3);

        var report = await CheckAsync(store);

        Assert.Empty(report.Findings);
        Assert.Equal((ReportStatus.Valid, 6, 6, 60L, 60L), (report.Status, report.SegmentCount, report.SegmentsChecked, report.RecordCount, report.RecordsChecked));
        Assert.True(report.BytesRead >= store.Keys.Where(k => k.EndsWith(".kbs", StringComparison.Ordinal)).Sum(k => store[k].Length));
    }

    [Fact(Timeout = Limit)]
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
            new[] { (FindingKind.Missing, missing), (FindingKind.Truncated, cut), (FindingKind.Corrupt, grown) }.Order(), report.Findings.Select(f => (f.Kind, f.Place)).Order());
        Assert.All(report.Findings, f => Assert.False(string.IsNullOrWhiteSpace(f.Advice)));
        Assert.Equal(0, report.RecordsChecked);
    }

    [Fact(Timeout = Limit)]
    public async Task D2_a_flipped_byte_is_corrupt_only_to_a_deep_check()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 1);
        Flip(store, SegmentKey(store), store[SegmentKey(store)].Length / 2);

        Assert.Equal(ReportStatus.Valid, (await CheckAsync(store, deep: false)).Status);
        var finding = Assert.Single((await CheckAsync(store)).Findings);
        Assert.Equal((FindingKind.Corrupt, SegmentKey(store)), (finding.Kind, finding.Place));
    }

    [Fact(Timeout = Limit)]
    public async Task D2_two_whole_segments_in_each_others_place_are_found()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 1);
        var (left, right) = (SegmentKey(store, 0), SegmentKey(store, 1));
        (store[left], store[right]) = (store[right], store[left]);

        var report = await CheckAsync(store);

        Assert.Equal([left, right], report.Findings.Select(f => f.Place).Distinct().Order());
        Assert.All(report.Findings, f => Assert.Equal(FindingKind.Corrupt, f.Kind));
    }

    [Fact(Timeout = Limit)]
    public async Task D2_what_is_damaged_at_the_first_look_and_whole_at_the_second_is_transient()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 1);
        var key = SegmentKey(store);

        var report = await CheckAsync(new LyingOnceStore(store, key));

        var finding = Assert.Single(report.Findings);
        Assert.Equal((FindingKind.Transient, key), (finding.Kind, finding.Place));
        Assert.Equal((ReportStatus.ValidWithWarnings, 2), (report.Status, report.SegmentsChecked));
    }

    [Fact(Timeout = Limit)]
    public async Task D2_orphans_and_uploads_without_end_are_found_unless_somebody_writes()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 1);
        var (orphan, _) = await AddSegmentAsync(store, Id, "orders", 0, 10, "run-2");
        await using var upload = await BegunUploadAsync(store, 20);

        var kinds = (await CheckAsync(store)).Findings.Select(f => f.Kind).Order();
        Assert.Equal([FindingKind.Orphaned, FindingKind.StaleUpload], kinds);
        Assert.Contains((await CheckAsync(store)).Findings, f => f.Place == BackupKeys.Of(Id, orphan.Key));

        await using var session = await BackupSession.BeginAsync(new BackupCatalog(store), Id, new SessionOptions { RunId = "run-2", Clock = TimeProvider.System }, default);
        var busy = Assert.Single((await CheckAsync(store)).Findings);
        Assert.Equal((FindingKind.Lock, FindingSeverity.Information), (busy.Kind, busy.Severity));
    }

    [Fact(Timeout = Limit)]
    public async Task B5_gaps_and_an_incomplete_run_are_told()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 1);
        await using (var session = await BackupSession.BeginAsync(new BackupCatalog(store), Id, new SessionOptions { RunId = "run-2", Clock = TimeProvider.System }, default))
        {
            var topic = session.Manifest!.Topics["orders"];
            var partitions = topic.Partitions.ToDictionary(p => p.Key, p => p.Value);
            partitions[0] = partitions[0] with
            {
                NextOffset = 15, Gaps = [new Engine.Format.Manifests.GapEntry(10, 15, "retention", Begin)],
            };
            await session.CommitAsync(
                session.Manifest with { Complete = false, Topics = new Dictionary<string, Engine.Format.Manifests.TopicEntry> { ["orders"] = topic with { Partitions = partitions } } }, default);
        }

        var report = await CheckAsync(store);

        Assert.Equal([FindingKind.Gap, FindingKind.Incomplete], report.Findings.Select(f => f.Kind).Order());
        Assert.Equal(ReportStatus.ValidWithWarnings, report.Status);
    }

    [Fact(Timeout = Limit)]
    public async Task D2_all_turns_of_a_sample_read_every_segment_once_and_growth_moves_none()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 10);
        var few = await TurnsAsync(store, 3);
        Assert.Equal(20, few.Sum(t => t.Count));
        Assert.Equal(20, few.SelectMany(t => t).Distinct().Count());

        var (added, _) = await AddSegmentAsync(store, Id, "orders", 0, 100, "run-11");
        var more = await TurnsAsync(store, 3);
        for (var turn = 0; turn < 3; turn++)
        {
            Assert.Equal(few[turn], more[turn].Where(k => !k.EndsWith(added.Key, StringComparison.Ordinal)));
        }

        var reports = new List<BackupReport>();
        for (var turn = 1; turn <= 3; turn++)
        {
            reports.Add(await CheckAsync(store, deep: false, sample: new Sample(turn, 3)));
        }

        Assert.Equal(200, reports.Sum(r => r.RecordsChecked));
        Assert.Equal("2/3", reports[1].Sample);
        await Assert.ThrowsAsync<KafkaBackupException>(() => CheckAsync(store, sample: new Sample(4, 3)));
    }

    [Fact(Timeout = Limit)]
    public async Task H1_a_check_writes_nothing_not_even_to_learn_the_time()
    {
        var store = await OpenObjectsAsync();
        await WriteAsync(store, 2);
        var counting = new CountingStore(store);

        await CheckAsync(counting);

        Assert.Equal(0, counting.Counts.Writes);
    }

    [Fact(Timeout = Limit)]
    public async Task K_a_backup_of_the_other_tool_is_checked_too()
    {
        var store = await OpenObjectsAsync();
        var segment = ForeignBackup.Put(store, Id);
        Assert.Equal((ReportStatus.Valid, 1, 3L), await FiguresAsync());

        Flip(store, segment, 60);
        var report = await CheckAsync(store);
        Assert.Equal((FindingKind.Corrupt, segment), (Assert.Single(report.Findings).Kind, report.Findings[0].Place));

        async Task<(ReportStatus Status, int Segments, long Records)> FiguresAsync()
        {
            var sound = await CheckAsync(store);
            return (sound.Status, sound.SegmentsChecked, sound.RecordsChecked);
        }
    }

    private static Task<List<IReadOnlyList<string>>> TurnsAsync(IOpenedStore store, int turns) => Task.FromResult(Enumerable.Range(1, turns)
        .Select(turn => (IReadOnlyList<string>)store.Keys.Where(k => k.EndsWith(".kbs", StringComparison.Ordinal))
            .Where(k => Engine.Verify.SegmentCheckRun.IsInSample(k[(Id.Length + 1)..], new Sample(turn, turns))).ToArray()).ToList());

    /// <summary>The second read of one object, which is the first that brings its records, has a wrong byte.</summary>
    private sealed class LyingOnceStore(IStore inner, string liar) : ForwardingStore(inner)
    {
        private int _reads;

        public override async ValueTask<int> ReadAsync(string key, long offset, Memory<byte> buffer, CancellationToken cancel)
        {
            var count = await Inner.ReadAsync(key, offset, buffer, cancel);
            if (key == liar && Interlocked.Increment(ref _reads) == 2)
            {
                buffer.Span[count / 2] ^= 0x10;
            }

            return count;
        }
    }
}
