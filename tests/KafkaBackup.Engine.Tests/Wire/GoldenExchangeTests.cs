using System.Net;
using Confluent.Kafka;
using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Messages;
using KafkaBackup.LocalBroker.Log;
using ApiKey = KafkaBackup.Engine.Wire.ApiKey;

namespace KafkaBackup.Engine.Tests.Wire;

/// <summary>What real clients and real brokers said to each other, recorded by <see cref="ExchangeRecorder"/>.</summary>
public sealed class GoldenExchangeTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Golden", "Wire");

    public static TheoryData<string> Files =>
        [.. Directory.EnumerateFiles(Folder, "*.exchanges").Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public void Recorded_exchanges_fit_the_schemas_and_are_read_as_they_say(string file)
    {
        var count = 0;
        foreach (var exchange in ExchangeRecorder.FromText(File.ReadAllText(Path.Combine(Folder, file))))
        {
            var message = MessageSchemas.All.SingleOrDefault(m => (short)m.Api.Key == exchange.Api);
            if (message is null || exchange.Version < message.Api.MinVersion || exchange.Version > message.Api.MaxVersion)
            {
                continue;
            }

            var flexible = message.IsFlexible(exchange.Version);
            if (flexible)
            {
                Assert.Equal(0, exchange.Request[0]);
            }

            var taggedAnswer = flexible && message.Api.Key != ApiKey.ApiVersions;
            Schema.Decode(message.Request, exchange.Request, exchange.Version, flexible, flexible ? 1 : 0);
            var values = Schema.Decode(message.Response, exchange.Answer, exchange.Version, flexible, taggedAnswer ? 1 : 0);
            MessageTests.AssertSame(
                values,
                message.Read(exchange.Answer.AsMemory(taggedAnswer ? 1 : 0), exchange.Version, null),
                $"{file}: {message} {exchange.Version}"
            );
            count++;
        }

        Assert.True(count >= 5, $"{file} holds {count} exchanges that are known");
    }

    /// <summary>Records anew: KAFKABACKUP_RECORD=broker-port,proxy-port,name, with the proxy as the broker's advertised listener.</summary>
    [RecordingFact]
    public async Task Record()
    {
        var parts = Environment.GetEnvironmentVariable(RecordingFactAttribute.Variable)!.Split(',');
        var broker = new IPEndPoint(IPAddress.Loopback, int.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture));
        var port = int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture);
        var target = Path.Combine(Build.BuildOutputs.RepositoryRoot, "tests", "KafkaBackup.Engine.Tests", "Golden", "Wire");
        Directory.CreateDirectory(target);
        await using (var recorder = new ExchangeRecorder(port, broker))
        {
            UseLibrary($"127.0.0.1:{port}");
            await File.WriteAllTextAsync(
                Path.Combine(target, $"{parts[2]}-librdkafka.exchanges"),
                ExchangeRecorder.ToText(recorder.Exchanges)
            );
        }

        await using (var recorder = new ExchangeRecorder(port, broker))
        {
            await UseWire($"127.0.0.1:{port}");
            await File.WriteAllTextAsync(Path.Combine(target, $"{parts[2]}-wire.exchanges"), ExchangeRecorder.ToText(recorder.Exchanges));
        }
    }

    private static void UseLibrary(string bootstrap)
    {
        var topic = "golden-" + Guid.NewGuid().ToString("N")[..8];
        using var producer = new ProducerBuilder<string, string>(
            new ProducerConfig
            {
                BootstrapServers = bootstrap,
                TransactionalId = "golden-tx",
                AllowAutoCreateTopics = true,
            }
        ).Build();
        producer.InitTransactions(TimeSpan.FromSeconds(60));
        using var consumer = new ConsumerBuilder<string, string>(
            new ConsumerConfig
            {
                BootstrapServers = bootstrap,
                GroupId = "golden",
                AutoOffsetReset = AutoOffsetReset.Earliest,
                EnableAutoCommit = false,
            }
        ).Build();
        foreach (var commit in new[] { true, false, true })
        {
            producer.BeginTransaction();
            producer.Produce(topic, new Message<string, string> { Key = "k", Value = "v" });
            producer.Flush(TimeSpan.FromSeconds(30));
            producer.SendOffsetsToTransaction(
                [new Confluent.Kafka.TopicPartitionOffset(topic, 0, 1)],
                consumer.ConsumerGroupMetadata,
                TimeSpan.FromSeconds(30)
            );
            if (commit)
            {
                producer.CommitTransaction();
            }
            else
            {
                producer.AbortTransaction();
            }
        }

        consumer.Assign(new Confluent.Kafka.TopicPartitionOffset(topic, 0, 0));
        Assert.NotNull(consumer.Consume(TimeSpan.FromSeconds(30)));
        Assert.NotNull(consumer.Consume(TimeSpan.FromSeconds(30)));
        consumer.Committed([new Confluent.Kafka.TopicPartition(topic, 0)], TimeSpan.FromSeconds(30));
        consumer.QueryWatermarkOffsets(new Confluent.Kafka.TopicPartition(topic, 0), TimeSpan.FromSeconds(30));
        consumer.OffsetsForTimes(
            [new TopicPartitionTimestamp(topic, 0, new Timestamp(1000, TimestampType.CreateTime))],
            TimeSpan.FromSeconds(30)
        );
    }

    private static async Task UseWire(string bootstrap)
    {
        await using var cluster = new WireCluster(WireTesting.Options(bootstrap));
        var topic = "golden-" + Guid.NewGuid().ToString("N")[..8];
        PartitionLeader leader;
        await cluster.AskAnyAsync(new MetadataRequest { Topics = [topic], AllowTopicCreation = true }, CancellationToken.None);
        do
        {
            await cluster.RefreshAsync([topic], CancellationToken.None);
            leader = await cluster.LeaderAsync(topic, 0, CancellationToken.None);
        } while (leader.Broker < 0);

        var request = new InitProducerIdRequest("golden-wire", TimeSpan.FromSeconds(60));
        foreach (var commit in new[] { false, true })
        {
            var begun = await cluster.AskCoordinatorAsync(
                CoordinatorType.Transaction,
                "golden-wire",
                request,
                a => a.Error,
                CancellationToken.None
            );
            var producer = new TransactionalProducer("golden-wire", begun.ProducerId, begun.ProducerEpoch);
            var added = await cluster.AskCoordinatorAsync(
                CoordinatorType.Transaction,
                "golden-wire",
                new AddPartitionsToTxnRequest(producer, [new(topic, [0])]),
                a => a.Topics[0].Partitions[0].Error,
                CancellationToken.None
            );
            Assert.Equal(WireErrorCode.None, added.Topics[0].Partitions[0].Error);

            // Stamped now: a broker begins a new segment for a marker that is much younger, and a fetch reads one segment.
            var batch = WritingTests.Batch(
                3,
                producer.ProducerId,
                0,
                transactional: true,
                epoch: producer.ProducerEpoch,
                timestamp: DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()
            );
            var produced = await cluster.AskAsync(
                leader.Broker,
                1,
                new ProduceRequest
                {
                    TransactionalId = "golden-wire",
                    Timeout = TimeSpan.FromSeconds(30),
                    Topics = [new(topic, [new(0, batch.AsMemory(0, BatchHeader.Length), batch.AsMemory(BatchHeader.Length))])],
                },
                CancellationToken.None
            );
            Assert.Equal(WireErrorCode.None, produced.Topics[0].Partitions[0].Error);
            await cluster.AskCoordinatorAsync(
                CoordinatorType.Transaction,
                "golden-wire",
                new AddOffsetsToTxnRequest(producer, "golden-group"),
                a => a.Error,
                CancellationToken.None
            );
            var offsets = await cluster.AskCoordinatorAsync(
                CoordinatorType.Group,
                "golden-group",
                new TxnOffsetCommitRequest(producer, "golden-group", [new(topic, [new(0, 3, "m")])]),
                a => a.Topics[0].Partitions[0].Error,
                CancellationToken.None
            );
            Assert.Equal(WireErrorCode.None, offsets.Topics[0].Partitions[0].Error);
            var ended = await cluster.AskCoordinatorAsync(
                CoordinatorType.Transaction,
                "golden-wire",
                new EndTxnRequest(producer, commit),
                a => a.Error,
                CancellationToken.None
            );
            Assert.Equal(WireErrorCode.None, ended.Error);
        }

        CommittedOffset committed;
        do
        {
            var fetched = await cluster.AskCoordinatorAsync(
                CoordinatorType.Group,
                "golden-group",
                new OffsetFetchRequest("golden-group", [new(topic, [0])]) { RequireStable = true },
                a => a.Error,
                CancellationToken.None
            );
            committed = fetched.Topics[0].Partitions[0];
        } while (committed.Offset < 0);

        Assert.Equal((3L, "m"), (committed.Offset, committed.Metadata));
        long end;
        do
        {
            var query = new ListOffsetsRequest([new(topic, [new(0, ListOffsetsRequest.Latest, leader.Epoch)])], readCommitted: true);
            end = (await cluster.AskAsync(leader.Broker, 0, query, CancellationToken.None)).Topics[0].Partitions[0].Offset;
        } while (end < 8);

        var session = new FetchSession();
        session.Put(topic, leader.TopicId, new FetchPartition(0, 0, 10_000, leader.Epoch, leader.Epoch));
        var version = (await cluster.ConnectionAsync(leader.Broker, 1, CancellationToken.None)).Versions.Newest(FetchRequest.Definition);
        for (var round = 0; round < 3; round++)
        {
            var template = new FetchRequest
            {
                MaxWait = TimeSpan.FromMilliseconds(100),
                MaxBytes = 10_000,
                ReadCommitted = true,
                Topics = [],
            };
            using var answer = await cluster.AskAsync(leader.Broker, 1, session.Next(template, version), CancellationToken.None);
            Assert.True(session.Answered(answer));
            if (round == 0)
            {
                var partition = answer.Topics.Single().Partitions.Single();
                Assert.Equal(4, FetchTests.Batches(partition.Records).Count);
                Assert.Single(partition.Aborted);
            }
        }

        var epochs = await cluster.AskAsync(
            leader.Broker,
            0,
            new OffsetForLeaderEpochRequest([new(topic, [new(0, leader.Epoch, leader.Epoch)])]),
            CancellationToken.None
        );
        Assert.Equal(8, epochs.Topics[0].Partitions[0].EndOffset);
        await cluster.AskAsync(
            leader.Broker,
            0,
            new DeleteRecordsRequest([new(topic, [new(0, 2)])], TimeSpan.FromSeconds(30)),
            CancellationToken.None
        );
    }
}

/// <summary>Runs only where a broker to record from is named.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RecordingFactAttribute : FactAttribute
{
    public const string Variable = "KAFKABACKUP_RECORD";

    public RecordingFactAttribute() =>
        Skip = Environment.GetEnvironmentVariable(Variable) is null ? $"records from a real broker; {Variable} names it" : null;
}
