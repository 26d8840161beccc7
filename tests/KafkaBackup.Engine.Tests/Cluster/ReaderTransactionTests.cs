using KafkaBackup.Engine.Cluster;
using KafkaBackup.LocalBroker;
using Xunit;
using static KafkaBackup.Engine.Tests.Cluster.ClusterTesting;

namespace KafkaBackup.Engine.Tests.Cluster;

public sealed class ReaderTransactionTests
{
    private static readonly TopicPartition Orders = new("orders", 0);

    [Fact]
    public async Task B2_aborted_records_and_markers_are_not_handed_out()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        await using var cluster = Connect(local);
        await Transact(cluster, commit: true, "a", "b");
        await Transact(cluster, commit: false, "c", "d");
        await Transact(cluster, commit: true, "e");

        var committed = ReadAll(cluster, Orders, IsolationLevel.ReadCommitted);
        Assert.Equal([("a", 0L), ("b", 1L), ("e", 6L)], committed.Records.Select(record => (record.ValueText!, record.Offset)));
        Assert.Equal(8, committed.Ends[0]);
        var uncommitted = ReadAll(cluster, Orders, IsolationLevel.ReadUncommitted);
        Assert.Equal(["a", "b", "c", "d", "e"], uncommitted.Records.Select(record => record.ValueText));
        Assert.Equal(8, uncommitted.Ends[0]);
    }

    [Fact]
    public async Task B3_a_partition_whose_tail_is_aborted_records_is_complete()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        await using var cluster = Connect(local);
        await Transact(cluster, commit: true, "a");
        await Transact(cluster, commit: false, "b", "c", "d");

        using var reader = cluster.OpenReader(new ReaderOptions(IsolationLevel.ReadCommitted));
        var sink = new CollectingSink();
        reader.Assign(Orders, 0, 0);
        PollUntil(reader, sink, () => reader.Position(0) == 6);
        Assert.Equal(["a"], sink.Records.Select(record => record.ValueText));
        PollUntil(reader, sink, () => sink.Ends.ContainsKey(0));
        Assert.Equal(6, sink.Ends[0]);
    }

    [Fact]
    public async Task B3_the_position_passes_a_partition_of_nothing_but_aborted_records()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        await using var cluster = Connect(local);
        await Transact(cluster, commit: false, "a", "b", "c");

        using var reader = cluster.OpenReader(new ReaderOptions(IsolationLevel.ReadCommitted));
        var sink = new CollectingSink();
        reader.Assign(Orders, 0, 0);
        PollUntil(reader, sink, () => reader.Position(0) == 4);
        Assert.Empty(sink.Records);
    }

    [Fact]
    public async Task B2_an_open_transaction_ends_the_partition_at_the_last_stable_offset()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        await using var cluster = Connect(local);
        await Transact(cluster, commit: true, "a");
        using var writer = cluster.OpenWriter(new WriterOptions(TransactionalId: "open"));
        await writer.InitTransactionsAsync(Limit());
        writer.BeginTransaction();
        writer.Open(Orders, 0);
        Send(writer, 0, "undecided", 1);
        Drain(writer, new CollectingReports());

        var sink = ReadAll(cluster, Orders);
        Assert.Equal(["a"], sink.Records.Select(record => record.ValueText));
        Assert.Equal(2, sink.Ends[0]);
        await writer.AbortTransactionAsync(Limit());
    }

    private static async Task Transact(KafkaCluster cluster, bool commit, params string[] values)
    {
        using var writer = cluster.OpenWriter(new WriterOptions(TransactionalId: "writer"));
        await writer.InitTransactionsAsync(Limit());
        writer.BeginTransaction();
        writer.Open(Orders, 0);
        foreach (var value in values)
        {
            Send(writer, 0, value, 0);
        }

        Drain(writer, new CollectingReports());
        await (commit ? writer.CommitTransactionAsync(Limit()) : writer.AbortTransactionAsync(Limit()));
    }
}
