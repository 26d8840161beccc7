using System.Text;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Browse;

public sealed class BrowseTests : IAsyncDisposable
{
    private readonly BackupScenario _scenario = new();

    private ClusterSettings Cluster => new() { BootstrapServers = [_scenario.Cluster.BootstrapServers] };

    public static TheoryData<RecordQuery, long[]> Queries() => new()
    {
        { new RecordQuery { First = 3 }, [0, 1, 2] },
        { new RecordQuery { Last = 2 }, [49_998, 49_999] },
        { new RecordQuery { Offset = 31_234 }, [31_234] },
        { new RecordQuery { FromTime = 1_700_000_000_000 + 40_000, ToTime = 1_700_000_000_000 + 40_002 }, [40_000, 40_001, 40_002] },
        { new RecordQuery { Key = Encoding.UTF8.GetBytes("k777") }, [777] },
    };

    [Theory]
    [MemberData(nameof(Queries))]
    public async Task D6_records_of_a_backup_and_of_its_topic_are_found_alike(RecordQuery query, long[] offsets)
    {
        await StoreAsync();
        query = query with { Topics = ["t"] };

        var stored = await ListAsync(_scenario.Engine().ReadBackupRecordsAsync(new StoreSettings { Path = _scenario.StorePath }, "b", query, _scenario.Cancel));
        var live = await ListAsync(_scenario.Engine().ReadTopicRecordsAsync(Cluster, query, _scenario.Cancel));

        Assert.Equal(offsets, stored.Select(r => r.Offset));
        Assert.Equal(offsets, live.Select(r => r.Offset));
        Assert.All(stored.Concat(live), r => Assert.Equal(($"k{r.Offset}", $"v{r.Offset}", 1_700_000_000_000 + r.Offset), ((string)r.Key!, (string)r.Value!, r.TimestampMs)));
    }

    [Fact]
    public async Task D6_only_blocks_that_can_hold_the_records_are_read_and_nothing_after_the_last_wanted()
    {
        await StoreAsync();
        var whole = await BytesAsync(new RecordQuery());

        Assert.True(await BytesAsync(new RecordQuery { Offset = 31_234 }) < whole / 3);
        Assert.True(await BytesAsync(new RecordQuery { Last = 5 }) < whole / 3);
        Assert.True(await BytesAsync(new RecordQuery { FromTime = 1_700_000_000_000 + 10, ToTime = 1_700_000_000_000 + 12 }) < whole / 3);
        Assert.True(await BytesAsync(new RecordQuery(), stopAfter: 5) < whole / 3);
    }

    [Fact]
    public async Task B7_bytes_that_are_not_text_stay_bytes_and_null_stays_null()
    {
        _scenario.Cluster.CreateTopic("t");
        _scenario.Cluster.Append("t", 0, new LocalRecord(null, [0xFF, 0xFE], -1) { Headers = [("h", null), ("h", [])] }, LocalRecord.Of("", "text"));

        var records = await ListAsync(_scenario.Engine().ReadTopicRecordsAsync(Cluster, new RecordQuery { Topics = ["t"] }, _scenario.Cancel));
        var bytes = await ListAsync(_scenario.Engine().ReadTopicRecordsAsync(Cluster, new RecordQuery { Topics = ["t"], AsBytes = true }, _scenario.Cancel));

        Assert.Null(records[0].Key);
        Assert.Equal([0xFF, 0xFE], Assert.IsType<byte[]>(records[0].Value));
        Assert.Equal([null, ""], records[0].Headers.Select(h => h.Value));
        Assert.Equal(("", "text"), (records[1].Key, records[1].Value));
        Assert.Equal("text"u8.ToArray(), Assert.IsType<byte[]>(bytes[1].Value));
    }

    [Fact]
    public async Task B3_the_last_records_are_found_behind_markers_and_aborted_ones()
    {
        _scenario.Cluster.CreateTopic("t");
        _scenario.Fill("t", 100);
        for (var i = 0; i < 20; i++)
        {
            var transaction = _scenario.Cluster.BeginTransaction();
            transaction.Append("t", 0, LocalRecord.Of("k", "aborted"));
            transaction.Abort();
        }

        var records = await ListAsync(_scenario.Engine().ReadTopicRecordsAsync(Cluster, new RecordQuery { Topics = ["t"], Last = 3 }, _scenario.Cancel));

        Assert.Equal([97L, 98, 99], records.Select(r => r.Offset));
    }

    [Fact]
    public async Task A9_what_is_not_there_is_an_error_that_says_what_is()
    {
        await StoreAsync();
        var store = new StoreSettings { Path = _scenario.StorePath };

        async Task<KafkaBackupException> Refused(IAsyncEnumerable<RecordInfo> records) => await Assert.ThrowsAsync<KafkaBackupException>(() => ListAsync(records));
        var missing = await Refused(_scenario.Engine().ReadBackupRecordsAsync(store, "b", new RecordQuery { Offset = 60_000 }, _scenario.Cancel));
        Assert.Equal(ErrorIds.NothingMatched, missing.Definition);
        Assert.Contains("49999", missing.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorIds.NothingMatched, (await Refused(_scenario.Engine().ReadTopicRecordsAsync(Cluster, new RecordQuery { Topics = ["t"], Offset = 60_000 }, _scenario.Cancel))).Definition);
        Assert.Equal(ErrorIds.TopicNotFound, (await Refused(_scenario.Engine().ReadTopicRecordsAsync(Cluster, new RecordQuery { Topics = ["T"] }, _scenario.Cancel))).Definition);
        Assert.Equal(ErrorIds.ConfigConflict, (await Refused(_scenario.Engine().ReadTopicRecordsAsync(Cluster, new RecordQuery { First = 1, Last = 1 }, _scenario.Cancel))).Definition);
    }

    [Fact]
    public async Task G3_a_measurement_tells_ends_rate_and_head_skew()
    {
        _scenario.Cluster.CreateTopic("t", 3);
        _scenario.Cluster.Append("t", 0, LocalRecord.Of(null, "old", 1_700_000_000_000));
        _scenario.Cluster.Append("t", 1, LocalRecord.Of(null, "new", 1_700_000_020_000));
        var transaction = _scenario.Cluster.BeginTransaction();
        transaction.Append("t", 1, LocalRecord.Of(null, "newest", 1_700_000_021_000));
        transaction.Commit();

        var measuring = _scenario.Engine().MeasureTopicsAsync(
            new MeasureSettings { Cluster = Cluster, Topics = ["t"], Duration = TimeSpan.FromSeconds(2) }, _scenario.Cancel);
        await Task.Delay(1_000);
        _scenario.Fill("t", 500);
        var rows = await measuring;

        Assert.Equal([0, 1, 2, null], rows.Select(r => r.Partition));
        Assert.Equal([501L, 3, 0, 504], rows.Select(r => r.RecordCount));
        Assert.Equal([1_700_000_000_499, 1_700_000_021_000, null, 1_700_000_021_000], rows.Select(r => r.HeadTimeMs));
        Assert.InRange(rows[3].RecordsPerSecond, 100, 260);
        Assert.Equal(TimeSpan.FromMilliseconds(20_501), rows[3].HeadSkew);
    }

    public ValueTask DisposeAsync() => _scenario.DisposeAsync();

    private async Task StoreAsync()
    {
        _scenario.Cluster.CreateTopic("t");
        _scenario.Fill("t", 50_000);
        await _scenario.BackUpAsync(BackupScenario.Asked("t") with { SegmentMaxRecords = 10_000, Compression = CompressionKind.None });
    }

    private async Task<long> BytesAsync(RecordQuery query, int stopAfter = int.MaxValue)
    {
        CountingStore? counting = null;
        _scenario.Wrap = store => counting = new CountingStore(store);
        await foreach (var _ in _scenario.Engine().ReadBackupRecordsAsync(new StoreSettings { Path = _scenario.StorePath }, "b", query, _scenario.Cancel))
        {
            if (--stopAfter == 0)
            {
                break;
            }
        }

        return counting!.Counts.BytesRead;
    }

    private static async Task<List<RecordInfo>> ListAsync(IAsyncEnumerable<RecordInfo> records)
    {
        var list = new List<RecordInfo>();
        await foreach (var record in records)
        {
            list.Add(record);
        }

        return list;
    }
}
