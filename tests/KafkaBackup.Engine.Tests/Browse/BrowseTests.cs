using System.Text;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;
using KafkaBackup.LocalBroker.Wire;
using static KafkaBackup.Engine.Tests.Browse.StoredRecordTests;

namespace KafkaBackup.Engine.Tests.Browse;

public sealed class BrowseTests : IAsyncLifetime, IAsyncDisposable
{
    private readonly BackupScenario _scenario = new();

    private ClusterSettings Cluster => new() { BootstrapServers = [_scenario.Cluster.BootstrapServers] };

    [Fact]
    public async Task B7_bytes_that_are_not_text_stay_bytes_and_null_stays_null()
    {
        _scenario.Cluster.CreateTopic("t");
        _scenario.Cluster.Append(
            "t",
            0,
            new LocalRecord(null, [0xFF, 0xFE], -1) { Headers = [("h", null), ("h", [])] },
            LocalRecord.Of("", "text")
        );

        var records = await ListAsync(
            _scenario.Engine().ReadTopicRecordsAsync(Cluster, new RecordQuery { Topics = ["t"] }, _scenario.Cancel)
        );
        var bytes = await ListAsync(
            _scenario.Engine().ReadTopicRecordsAsync(Cluster, new RecordQuery { Topics = ["t"], AsBytes = true }, _scenario.Cancel)
        );

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

        var records = await ListAsync(
            _scenario.Engine().ReadTopicRecordsAsync(Cluster, new RecordQuery { Topics = ["t"], Last = 3 }, _scenario.Cancel)
        );

        Assert.Equal([97L, 98, 99], records.Select(r => r.Offset));
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

        var measuring = _scenario
            .Engine()
            .MeasureTopicsAsync(
                new MeasureSettings
                {
                    Cluster = Cluster,
                    Topics = ["t"],
                    Duration = TimeSpan.FromSeconds(2),
                },
                _scenario.Cancel
            );

        // On a busy machine the first look may come late.
        while (_scenario.Cluster.Requests.Of(ApiKey.ListOffsets).Count == 0)
        {
            await Task.Delay(20, _scenario.Cancel);
        }

        await Task.Delay(700);
        _scenario.Fill("t", 500);
        var rows = await measuring;

        Assert.Equal([0, 1, 2, null], rows.Select(r => r.Partition));
        Assert.Equal([501L, 3, 0, 504], rows.Select(r => r.RecordCount));
        Assert.Equal([1_700_000_000_499, 1_700_000_021_000, null, 1_700_000_021_000], rows.Select(r => r.HeadTimeMs));
        Assert.InRange(rows[3].RecordsPerSecond, 100, 260);
        Assert.Equal(TimeSpan.FromMilliseconds(20_501), rows[3].HeadSkew);
    }

    Task IAsyncLifetime.InitializeAsync() => Task.CompletedTask;

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public ValueTask DisposeAsync() => _scenario.DisposeAsync();
}
