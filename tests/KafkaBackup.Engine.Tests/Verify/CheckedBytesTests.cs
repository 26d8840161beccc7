using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing;
using KafkaBackup.Testing.Storage;
using Xunit;
using static KafkaBackup.Engine.Tests.Verify.SmallBackup;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>Which bytes a check reads and what it makes of them; the store does not matter here.</summary>
public sealed class CheckedBytesTests
{
    [Fact]
    public async Task D2_two_whole_segments_in_each_others_place_are_found()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 1);
        var (left, right) = (SegmentKey(store, 0), SegmentKey(store, 1));
        (store[left], store[right]) = (store[right], store[left]);

        var report = await CheckAsync(store);

        Assert.Equal([left, right], report.Findings.Select(f => f.Place).Distinct().Order());
        Assert.All(report.Findings, f => Assert.Equal(FindingKind.Corrupt, f.Kind));
    }

    [Fact]
    public async Task D2_what_is_damaged_at_the_first_look_and_whole_at_the_second_is_transient()
    {
        var store = new MemoryStore();
        await WriteAsync(store, 1);
        var key = SegmentKey(store);

        var report = await CheckAsync(new LyingOnceStore(store, key));

        var finding = Assert.Single(report.Findings);
        Assert.Equal((FindingKind.Transient, key), (finding.Kind, finding.Place));
        Assert.Equal((ReportStatus.ValidWithWarnings, 2), (report.Status, report.SegmentsChecked));
    }

    [Fact]
    public async Task D2_all_turns_of_a_sample_read_every_segment_once_and_growth_moves_none()
    {
        var store = new MemoryStore();
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

    [Fact]
    public async Task K_a_backup_of_the_other_tool_is_checked_too()
    {
        var store = new MemoryStore();
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

    private static Task<List<IReadOnlyList<string>>> TurnsAsync(MemoryStore store, int turns) =>
        Task.FromResult(
            Enumerable
                .Range(1, turns)
                .Select(turn =>
                    (IReadOnlyList<string>)
                        store
                            .Keys.Where(k => k.EndsWith(".kbs", StringComparison.Ordinal))
                            .Where(k => Engine.Verify.SegmentCheckRun.IsInSample(k[(Id.Length + 1)..], new Sample(turn, turns)))
                            .ToArray()
                )
                .ToList()
        );

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
