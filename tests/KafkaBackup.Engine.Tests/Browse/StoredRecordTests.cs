using System.Text;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.Engine.Tests.Scenarios;

namespace KafkaBackup.Engine.Tests.Browse;

/// <summary>Single records out of a backup, and what reading them costs.</summary>
public class StoredRecordTests : OnStore, IAsyncLifetime
{
    private BackupScenario _scenario = null!;

    private ClusterSettings Cluster => new() { BootstrapServers = [_scenario.Cluster.BootstrapServers] };

    private StoreSettings Store => new() { Path = _scenario.StorePath };

    public static TheoryData<RecordQuery, long[]> Queries() =>
        new()
        {
            {
                new RecordQuery { First = 3 },
                [0, 1, 2]
            },
            {
                new RecordQuery { Last = 2 },
                [49_998, 49_999]
            },
            {
                new RecordQuery { Offset = 31_234 },
                [31_234]
            },
            {
                new RecordQuery { FromTime = 1_700_000_000_000 + 40_000, ToTime = 1_700_000_000_000 + 40_002 },
                [40_000, 40_001, 40_002]
            },
            {
                new RecordQuery { Key = Encoding.UTF8.GetBytes("k777") },
                [777]
            },
        };

    [Theory]
    [MemberData(nameof(Queries))]
    public async Task D6_records_of_a_backup_and_of_its_topic_are_found_alike(RecordQuery query, long[] offsets)
    {
        await StoreAsync();
        query = query with { Topics = ["t"] };

        var stored = await ListAsync(_scenario.Engine().ReadBackupRecordsAsync(Store, "b", query, _scenario.Cancel));
        var live = await ListAsync(_scenario.Engine().ReadTopicRecordsAsync(Cluster, query, _scenario.Cancel));

        Assert.Equal(offsets, stored.Select(r => r.Offset));
        Assert.Equal(offsets, live.Select(r => r.Offset));
        Assert.All(
            stored.Concat(live),
            r =>
                Assert.Equal(
                    ($"k{r.Offset}", $"v{r.Offset}", 1_700_000_000_000 + r.Offset),
                    ((string)r.Key!, (string)r.Value!, r.TimestampMs)
                )
        );
    }

    [Fact]
    public async Task D6_an_offset_in_a_gap_shows_the_next_record_of_each_partition()
    {
        _scenario.Cluster.CreateTopic("t", 3);
        foreach (var partition in (int[])[0, 1])
        {
            foreach (var batch in Enumerable.Range(0, 50).Chunk(5))
            {
                _scenario.Cluster.Append(
                    "t",
                    partition,
                    batch.Select(i => LocalBroker.LocalRecord.Of(i is >= 10 and < 30 ? "gone" : $"k{i}", $"v{i}"))
                );
            }

            _scenario.Cluster.Append("t", partition, LocalBroker.LocalRecord.Of("gone", null));
        }

        _scenario.Fill("t", 12, partition: 2);
        _scenario.Cluster.DeleteRecords("t", 1, 40);
        _scenario.Cluster.Compact("t");
        await _scenario.BackUpAsync(BackupScenario.Asked("t") with { SegmentMaxRecords = 5 });

        foreach (var (asked, found) in new (long, long[])[] { (15, [30, 40]), (9, [9, 40, 9]), (30, [30, 40]), (44, [44, 44]) })
        {
            var query = new RecordQuery { Topics = ["t"], Offset = asked };
            Assert.Equal(
                found,
                (await ListAsync(_scenario.Engine().ReadBackupRecordsAsync(Store, "b", query, _scenario.Cancel))).Select(r => r.Offset)
            );
            Assert.Equal(
                found,
                (await ListAsync(_scenario.Engine().ReadTopicRecordsAsync(Cluster, query, _scenario.Cancel))).Select(r => r.Offset)
            );
        }
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
    public async Task A9_what_is_not_there_is_an_error_that_says_what_is()
    {
        await StoreAsync();

        async Task<KafkaBackupException> Refused(IAsyncEnumerable<RecordInfo> records) =>
            await Assert.ThrowsAsync<KafkaBackupException>(() => ListAsync(records));
        var missing = await Refused(
            _scenario.Engine().ReadBackupRecordsAsync(Store, "b", new RecordQuery { Offset = 60_000 }, _scenario.Cancel)
        );
        Assert.Equal(ErrorIds.NothingMatched, missing.Definition);
        Assert.Contains("49999", missing.Message, StringComparison.Ordinal);
        Assert.Equal(
            ErrorIds.NothingMatched,
            (
                await Refused(
                    _scenario.Engine().ReadTopicRecordsAsync(Cluster, new RecordQuery { Topics = ["t"], Offset = 60_000 }, _scenario.Cancel)
                )
            ).Definition
        );
        Assert.Equal(
            ErrorIds.TopicNotFound,
            (
                await Refused(_scenario.Engine().ReadTopicRecordsAsync(Cluster, new RecordQuery { Topics = ["T"] }, _scenario.Cancel))
            ).Definition
        );
        Assert.Equal(
            ErrorIds.ConfigConflict,
            (
                await Refused(_scenario.Engine().ReadTopicRecordsAsync(Cluster, new RecordQuery { First = 1, Last = 1 }, _scenario.Cancel))
            ).Definition
        );
    }

    public async Task InitializeAsync() => _scenario = await OpenAsync();

    public async Task DisposeAsync() => await _scenario.DisposeAsync();

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
        await foreach (var _ in _scenario.Engine().ReadBackupRecordsAsync(Store, "b", query, _scenario.Cancel))
        {
            if (--stopAfter == 0)
            {
                break;
            }
        }

        return counting!.Counts.BytesRead;
    }

    internal static async Task<List<RecordInfo>> ListAsync(IAsyncEnumerable<RecordInfo> records)
    {
        var list = new List<RecordInfo>();
        await foreach (var record in records)
        {
            list.Add(record);
        }

        return list;
    }
}
