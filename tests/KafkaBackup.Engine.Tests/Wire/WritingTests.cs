using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Messages;
using KafkaBackup.LocalBroker;
using KafkaBackup.LocalBroker.Log;
using static KafkaBackup.Engine.Tests.Wire.WireTesting;
using LocalApi = KafkaBackup.LocalBroker.ApiKey;

namespace KafkaBackup.Engine.Tests.Wire;

public sealed class WritingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static TheoryData<short> ProduceVersions => [3, 4, 5, 6, 7, 8, 9, 10, 11];

    [Theory]
    [MemberData(nameof(ProduceVersions))]
    public async Task A_batch_in_two_pieces_is_appended_as_one_in_every_version(short version)
    {
        await using var local = LocalCluster.Start(
            new LocalClusterOptions { NewestVersions = new Dictionary<LocalApi, short> { [LocalApi.Produce] = version } }
        );
        local.CreateTopic("t", 3);
        await using var cluster = new WireCluster(Options(local));
        await cluster.ConnectAsync(CancellationToken.None);
        byte[][] batches = [Batch(1, -1, -1), Batch(2, -1, -1, size: 100_000), Batch(3, -1, -1, size: 10)];
        var answer = await cluster.AskAsync(
            1,
            1,
            new ProduceRequest
            {
                Timeout = Patience,
                Topics = [new("t", [.. batches.Select((b, p) => new ProducePartition(p, b.AsMemory(0, 61), b.AsMemory(61)))])],
            },
            CancellationToken.None
        );
        Assert.All(
            answer.Topics.Single().Partitions,
            p => Assert.Equal((WireErrorCode.None, 0L, -1L, version >= 5 ? 0 : -1L), (p.Error, p.BaseOffset, p.LogAppendTime, p.LogStart))
        );
        Assert.Equal([1L, 2, 3], Enumerable.Range(0, 3).Select(p => local.LogEnd("t", p)));
        Assert.Equal(100_000, local.Read("t", 1)[1].Value!.Length);
        Assert.Equal(version, local.Requests.Of(LocalApi.Produce).Single().Version);
        Assert.Empty(local.UnexpectedErrors);
    }

    [Fact]
    public async Task L6_one_of_the_last_five_batches_is_answered_with_its_first_offset_and_others_are_refused()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("t");
        await using var cluster = new WireCluster(Options(local));
        await cluster.ConnectAsync(CancellationToken.None);
        var producer = await cluster.AskAnyAsync(new InitProducerIdRequest(null, Patience), CancellationToken.None);
        for (var i = 0; i < 7; i++)
        {
            Assert.Equal((WireErrorCode.None, i * 10L), await Send(Batch(10, producer.ProducerId, i * 10)));
        }

        for (var i = 2; i < 7; i++)
        {
            Assert.Equal((WireErrorCode.None, i * 10L), await Send(Batch(10, producer.ProducerId, i * 10)));
        }

        Assert.Equal(WireErrorCode.OutOfOrderSequenceNumber, (await Send(Batch(10, producer.ProducerId, 10))).Error);
        Assert.Equal(WireErrorCode.OutOfOrderSequenceNumber, (await Send(Batch(10, producer.ProducerId, 80))).Error);
        Assert.Equal(WireErrorCode.OutOfOrderSequenceNumber, (await Send(Batch(5, producer.ProducerId, 60))).Error);
        Assert.Equal(70, local.LogEnd("t"));

        var described = await cluster.AskAsync(
            1,
            WireCluster.Control,
            new DescribeProducersRequest([new("t", [0])]),
            CancellationToken.None
        );
        var active = Assert.Single(described.Topics.Single().Partitions.Single().Producers);
        Assert.Equal((producer.ProducerId, 0, 69, -1L), (active.ProducerId, active.Epoch, active.LastSequence, active.TransactionStart));

        async Task<(WireErrorCode Error, long Offset)> Send(byte[] batch) => await SendBatch(cluster, batch);
    }

    [Fact]
    public async Task L5_what_a_broker_refuses_is_named_with_its_code()
    {
        await using var local = LocalCluster.Start(
            new LocalClusterOptions { NewestVersions = new Dictionary<LocalApi, short> { [LocalApi.Produce] = 6 } }
        );
        local.CreateTopic("t", 1, new Dictionary<string, string> { ["max.message.bytes"] = "2000" });
        await using var cluster = new WireCluster(Options(local));
        await cluster.ConnectAsync(CancellationToken.None);
        var good = Batch(2, -1, -1);
        Assert.Equal(WireErrorCode.InvalidRecord, await Refused(h => h with { Count = 1 }));
        Assert.Equal(WireErrorCode.InvalidRecord, await Refused(h => h with { LastOffsetDelta = 5 }));
        Assert.Equal(WireErrorCode.InvalidRecord, await Refused(h => h with { Count = 3, LastOffsetDelta = 2 }));
        Assert.Equal(WireErrorCode.InvalidRecord, await Refused(h => h with { ProducerId = 5 }));
        Assert.Equal(WireErrorCode.InvalidRecord, await Refused(h => h with { Attributes = 0x20 }));
        Assert.Equal(WireErrorCode.InvalidTimestamp, await Refused(h => h with { Attributes = 0x08 }));
        Assert.Equal(WireErrorCode.UnsupportedCompressionType, await Refused(h => h with { Attributes = 4 }));
        Assert.Equal(WireErrorCode.MessageTooLarge, (await SendBatch(cluster, Batch(1, -1, -1, size: 3000))).Error);
        Assert.Equal(WireErrorCode.None, (await SendBatch(cluster, good)).Error);
        Assert.Equal(2, local.LogEnd("t"));

        async Task<WireErrorCode> Refused(Func<BatchHeader, BatchHeader> change)
        {
            var batch = good.ToArray();
            change(BatchHeader.Read(batch)).Write(batch);
            BatchHeader.Seal(batch);
            return (await SendBatch(cluster, batch)).Error;
        }
    }

    [Fact]
    public async Task Batches_sent_without_waiting_are_appended_in_their_order()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("t");
        await using var cluster = new WireCluster(Options(local));
        await cluster.ConnectAsync(CancellationToken.None);
        var producer = await cluster.AskAnyAsync(new InitProducerIdRequest(null, Patience), CancellationToken.None);
        var connection = await cluster.ConnectionAsync(1, 1, CancellationToken.None);
        var sent = new List<Task<ProduceResponse>>();
        for (var i = 0; i < 200; i++)
        {
            sent.Add(connection.SendAsync(Request(Batch(5, producer.ProducerId, i * 5, size: 5000)), CancellationToken.None));
        }

        var answers = await Task.WhenAll(sent);
        Assert.Equal(Enumerable.Range(0, 200).Select(i => i * 5L), answers.Select(a => a.Topics.Single().Partitions.Single().BaseOffset));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_transaction_with_offsets_is_committed_or_aborted_as_a_whole(bool commit)
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { Brokers = 2 });
        local.CreateTopic("t");
        await using var cluster = new WireCluster(Options(local));
        var begun = await Coordinator(new InitProducerIdRequest("tx-1", TimeSpan.FromSeconds(60)), a => a.Error);
        var producer = new TransactionalProducer("tx-1", begun.ProducerId, begun.ProducerEpoch);
        var added = await Coordinator(new AddPartitionsToTxnRequest(producer, [new("t", [0])]), a => a.Topics[0].Partitions[0].Error);
        Assert.Equal(WireErrorCode.None, added.Topics.Single().Partitions.Single().Error);
        var leader = await cluster.LeaderAsync("t", 0, CancellationToken.None);
        var batch = Batch(3, producer.ProducerId, 0, transactional: true);
        var produced = await cluster.AskAsync(
            leader.Broker,
            1,
            new ProduceRequest
            {
                TransactionalId = "tx-1",
                Timeout = Patience,
                Topics = [new("t", [new(0, batch, default)])],
            },
            CancellationToken.None
        );
        Assert.Equal(WireErrorCode.None, produced.Topics.Single().Partitions.Single().Error);
        Assert.Equal(WireErrorCode.None, (await Coordinator(new AddOffsetsToTxnRequest(producer, "g"), a => a.Error)).Error);
        var committed = await cluster.AskCoordinatorAsync(
            CoordinatorType.Group,
            "g",
            new TxnOffsetCommitRequest(producer, "g", [new("t", [new(0, 3, "m")])]),
            a => a.Topics[0].Partitions[0].Error,
            CancellationToken.None
        );
        Assert.Equal(WireErrorCode.None, committed.Topics.Single().Partitions.Single().Error);
        Assert.Equal(WireErrorCode.UnstableOffsetCommit, (await Offsets()).Error);
        Assert.Equal(WireErrorCode.None, (await Coordinator(new EndTxnRequest(producer, commit), a => a.Error)).Error);
        Assert.Equal(commit ? (3L, "m") : (-1L, ""), ((await Offsets()).Offset, (await Offsets()).Metadata));
        Assert.Equal(commit, !local.Read("t").First(r => !r.IsControl).IsAborted);

        Task<TAnswer> Coordinator<TAnswer>(WireRequest<TAnswer> request, Func<TAnswer, WireErrorCode> error)
            where TAnswer : IWireAnswer =>
            cluster.AskCoordinatorAsync(CoordinatorType.Transaction, "tx-1", request, error, CancellationToken.None);

        async Task<CommittedOffset> Offsets()
        {
            var answer = await cluster.AskCoordinatorAsync(
                CoordinatorType.Group,
                "g",
                new OffsetFetchRequest("g", [new("t", [0])]) { RequireStable = true },
                a => a.Error,
                CancellationToken.None
            );
            return answer.Topics.Single().Partitions.Single();
        }
    }

    [Fact]
    public async Task Offsets_epochs_and_deletions_are_answered()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("t");
        local.Append("t", 0, LocalRecord.Of("a", "1", 1000));
        local.Append("t", 0, LocalRecord.Of("b", "2", 5000));
        local.MoveLeader("t", 0, 1);
        local.Append("t", 0, LocalRecord.Of("c", "3", 3000));
        await using var cluster = new WireCluster(Options(local));
        var leader = await cluster.LeaderAsync("t", 0, CancellationToken.None);
        Assert.Equal((0L, 3L), (await Offset(ListOffsetsRequest.Earliest), await Offset(ListOffsetsRequest.Latest)));
        Assert.Equal((1L, 1L, -1L), (await Offset(ListOffsetsRequest.LargestTimestamp), await Offset(2000), await Offset(9000)));
        var epochs = await cluster.AskAsync(
            1,
            0,
            new OffsetForLeaderEpochRequest([new("t", [new(0, leader.Epoch, 0)])]),
            CancellationToken.None
        );
        Assert.Equal(new EpochEnd(0, WireErrorCode.None, 0, 2), epochs.Topics.Single().Partitions.Single());
        var deleted = await cluster.AskAsync(1, 0, new DeleteRecordsRequest([new("t", [new(0, 2)])], Patience), CancellationToken.None);
        Assert.Equal(new DeletedRecords(0, 2, WireErrorCode.None), deleted.Topics.Single().Partitions.Single());
        Assert.Equal(2, local.LogStart("t"));

        async Task<long> Offset(long time)
        {
            var answer = await cluster.AskAsync(
                1,
                0,
                new ListOffsetsRequest([new("t", [new(0, time, leader.Epoch)])], readCommitted: true),
                CancellationToken.None
            );
            Assert.Equal(WireErrorCode.None, answer.Topics.Single().Partitions.Single().Error);
            return answer.Topics.Single().Partitions.Single().Offset;
        }
    }

    private static ProduceRequest Request(byte[] batch) =>
        new() { Timeout = Patience, Topics = [new("t", [new(0, batch.AsMemory(0, 61), batch.AsMemory(61))])] };

    private static async Task<(WireErrorCode Error, long Offset)> SendBatch(WireCluster cluster, byte[] batch)
    {
        var partition = (await cluster.AskAsync(1, 1, Request(batch), CancellationToken.None)).Topics.Single().Partitions.Single();
        return (partition.Error, partition.BaseOffset);
    }

    internal static byte[] Batch(
        int records,
        long producer,
        int sequence,
        int size = 20,
        bool transactional = false,
        short epoch = 0,
        long timestamp = 1_700_000_000_000
    )
    {
        const short transactionalBit = 0x10;
        var batch = BatchBuilder
            .Of(Enumerable.Range(0, records).Select(i => LocalRecord.Of($"k{i}", new string('v', size), timestamp)))
            .Build();
        var header = BatchHeader.Read(batch);
        (
            header with
            {
                ProducerId = producer,
                ProducerEpoch = producer < 0 ? (short)-1 : epoch,
                BaseSequence = sequence,
                Attributes = transactional ? transactionalBit : (short)0,
            }
        ).Write(batch);
        BatchHeader.Seal(batch);
        return batch;
    }
}
