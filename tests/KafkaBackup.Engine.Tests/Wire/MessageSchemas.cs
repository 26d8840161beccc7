using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Messages;
using static KafkaBackup.Engine.Tests.Wire.Schema;

namespace KafkaBackup.Engine.Tests.Wire;

/// <summary>Kafka's definitions of the messages, with one request of each.</summary>
internal static class MessageSchemas
{
    private static readonly TransactionalProducer Producer = new("tx-1", 4242, 7);
    private static readonly Guid Id = new("00112233-4455-6677-8899-aabbccddeeff");

    public static IReadOnlyList<MessageCase> All { get; } =
    [
        MessageCase.Of(
            new ApiVersionsRequest("kafkabackup", "1.2"),
            [Text("name", "3+"), Text("version", "3+")],
            [
                Int16("Error"),
                List("Apis", "", Int16("Key"), Int16("Min"), Int16("Max")),
                Time("ThrottleTime", "1+"),
                Tagged(0, "3+", List("_", "", Text("_"), Int16("_a"), Int16("_b"))),
                Tagged(1, "3+", Int64("_")),
                Tagged(3, "3+", Bool("_")),
            ],
            new() { ["name"] = "kafkabackup", ["version"] = "1.2" }
        ),
        MessageCase.Of(
            new MetadataRequest { Topics = ["orders", "é"], TopicRights = true },
            [
                NullableList("topics", "", Uuid("id", "10+"), NullableText("name")),
                Bool("create", "4+"),
                Bool("cluster_rights", "8-10"),
                Bool("topic_rights", "8+"),
            ],
            [
                Time("ThrottleTime", "3+"),
                List("Brokers", "", Int32("Id"), Text("Host"), Int32("Port"), NullableText("Rack", "1+")),
                NullableText("ClusterId", "2+"),
                Int32("ControllerId", "1+"),
                List(
                    "Topics",
                    "",
                    Int16("Error"),
                    Text("Name", "0-11"),
                    NullableText("Name", "12+"),
                    Uuid("Id", "10+"),
                    Bool("IsInternal", "1+"),
                    List(
                        "Partitions",
                        "",
                        Int16("Error"),
                        Int32("Index"),
                        Int32("Leader"),
                        Int32("LeaderEpoch", "7+"),
                        ListOf("Replicas", "", FieldKind.Int32),
                        ListOf("InSync", "", FieldKind.Int32),
                        ListOf("Offline", "5+", FieldKind.Int32)
                    ),
                    Int32("Rights", "8+")
                ),
                Int32("_", "8-10"),
            ],
            new()
            {
                ["topics[0].name"] = "orders",
                ["topics[1].name"] = "é",
                ["topics.Count"] = 2,
                ["create"] = false,
                ["topic_rights"] = true,
            }
        ),
        MessageCase.Of(
            new ListOffsetsRequest([new("orders", [new(3, 1700000000000, 5)])], readCommitted: true),
            [
                Int32("replica"),
                Int8("isolation", "2+"),
                List("topics", "", Text("name"), List("partitions", "", Int32("index"), Int32("epoch", "4+"), Int64("time"))),
            ],
            [
                Time("ThrottleTime", "2+"),
                List(
                    "Topics",
                    "",
                    Text("Name"),
                    List(
                        "Partitions",
                        "",
                        Int32("Partition"),
                        Int16("Error"),
                        Int64("Timestamp"),
                        Int64("Offset"),
                        Int32("LeaderEpoch", "4+")
                    )
                ),
            ],
            new()
            {
                ["isolation"] = 1L,
                ["topics[0].name"] = "orders",
                ["topics[0].partitions[0].index"] = 3L,
                ["topics[0].partitions[0].epoch"] = 5L,
                ["topics[0].partitions[0].time"] = 1700000000000L,
                ["topics.Count"] = 1,
                ["topics[0].partitions.Count"] = 1,
            }
        ),
        MessageCase.Of(
            new OffsetForLeaderEpochRequest([new("orders", [new(3, 9, 8)])]),
            [
                Int32("replica", "3+"),
                List("topics", "", Text("name"), List("partitions", "", Int32("index"), Int32("current"), Int32("epoch"))),
            ],
            [
                Time("ThrottleTime"),
                List(
                    "Topics",
                    "",
                    Text("Name"),
                    List("Partitions", "", Int16("Error"), Int32("Partition"), Int32("LeaderEpoch"), Int64("EndOffset"))
                ),
            ],
            new()
            {
                ["topics[0].name"] = "orders",
                ["topics[0].partitions[0].index"] = 3L,
                ["topics[0].partitions[0].current"] = 9L,
                ["topics[0].partitions[0].epoch"] = 8L,
                ["topics.Count"] = 1,
                ["topics[0].partitions.Count"] = 1,
            }
        ),
        MessageCase.Of(
            new FetchRequest
            {
                MaxWait = TimeSpan.FromMilliseconds(500),
                MinBytes = 2,
                MaxBytes = 1000,
                ReadCommitted = true,
                SessionId = 77,
                SessionEpoch = 3,
                Rack = "r1",
                Topics = [new("orders", Id, [new(4, 1234567890123, 99, 6, 5)])],
                Forgotten = [new("old", Id, [8])],
            },
            [
                Int32("replica", "0-14"),
                Int32("wait"),
                Int32("min"),
                Int32("max"),
                Int8("isolation"),
                Int32("session", "7+"),
                Int32("session_epoch", "7+"),
                List(
                    "topics",
                    "",
                    Text("name", "0-12"),
                    Uuid("id", "13+"),
                    List(
                        "partitions",
                        "",
                        Int32("index"),
                        Int32("epoch", "9+"),
                        Int64("offset"),
                        Int32("last_epoch", "12+"),
                        Int64("start", "5+"),
                        Int32("max"),
                        Tagged(0, "17+", Uuid("directory"))
                    )
                ),
                List("forgotten", "7+", Text("name", "0-12"), Uuid("id", "13+"), ListOf("partitions", "", FieldKind.Int32)),
                Text("rack", "11+"),
                Tagged(0, "12+", NullableText("cluster")),
                Tagged(1, "15+", Structure("replica_state", Int32("id"), Int64("epoch"))),
            ],
            [
                Time("ThrottleTime"),
                Int16("Error", "7+"),
                Int32("SessionId", "7+"),
                List(
                    "Topics",
                    "",
                    Text("Name", "0-12"),
                    Uuid("Id", "13+"),
                    List(
                        "Partitions",
                        "",
                        Int32("Index"),
                        Int16("Error"),
                        Int64("HighWatermark"),
                        Int64("LastStableOffset"),
                        Int64("LogStart", "5+"),
                        NullableList("Aborted", "", Int64("ProducerId"), Int64("FirstOffset")),
                        Int32("PreferredReplica", "11+"),
                        NullableBytes("Records"),
                        Tagged(0, "12+", Structure("Diverging", Int32("Epoch"), Int64("EndOffset"))),
                        Tagged(1, "12+", Structure("Leader", Int32("Leader"), Int32("Epoch"))),
                        Tagged(2, "12+", Structure("_", Int64("_a"), Int32("_b")))
                    )
                ),
                Tagged(0, "16+", List("Endpoints", "", Int32("Broker"), Text("Host"), Int32("Port"), NullableText("Rack"))),
            ],
            new()
            {
                ["wait"] = 500L,
                ["min"] = 2L,
                ["max"] = 1000L,
                ["isolation"] = 1L,
                ["session"] = 77L,
                ["session_epoch"] = 3L,
                ["topics[0].name"] = "orders",
                ["topics[0].id"] = Id,
                ["topics[0].partitions[0].index"] = 4L,
                ["topics[0].partitions[0].epoch"] = 6L,
                ["topics[0].partitions[0].offset"] = 1234567890123L,
                ["topics[0].partitions[0].last_epoch"] = 5L,
                ["topics[0].partitions[0].max"] = 99L,
                ["forgotten[0].name"] = "old",
                ["forgotten[0].id"] = Id,
                ["forgotten[0].partitions[0]"] = 8L,
                ["rack"] = "r1",
                ["topics.Count"] = 1,
                ["topics[0].partitions.Count"] = 1,
                ["forgotten.Count"] = 1,
                ["forgotten[0].partitions.Count"] = 1,
            }
        ),
        MessageCase.Of(
            new InitProducerIdRequest("tx-1", TimeSpan.FromSeconds(60)) { ProducerId = 4242, ProducerEpoch = 7 },
            [NullableText("id"), Int32("timeout"), Int64("producer", "3+"), Int16("epoch", "3+")],
            [Time("ThrottleTime"), Int16("Error"), Int64("ProducerId"), Int16("ProducerEpoch")],
            new()
            {
                ["id"] = "tx-1",
                ["timeout"] = 60000L,
                ["producer"] = 4242L,
                ["epoch"] = 7L,
            }
        ),
        MessageCase.Of(
            new ProduceRequest
            {
                TransactionalId = "tx-1",
                Timeout = TimeSpan.FromSeconds(30),
                Topics = [new("orders", [new(4, new byte[] { 1, 2, 3 }, new byte[] { 4, 5 })])],
            },
            [
                NullableText("id"),
                Int16("acks"),
                Int32("timeout"),
                List("topics", "", Text("name"), List("partitions", "", Int32("index"), NullableBytes("records"))),
            ],
            [
                List(
                    "Topics",
                    "",
                    Text("Name"),
                    List(
                        "Partitions",
                        "",
                        Int32("Index"),
                        Int16("Error"),
                        Int64("BaseOffset"),
                        Int64("LogAppendTime"),
                        Int64("LogStart", "5+"),
                        List("RecordErrors", "8+", Int32("Record"), NullableText("Message")),
                        NullableText("Message", "8+"),
                        Tagged(0, "10+", Structure("Leader", Int32("Leader"), Int32("Epoch")))
                    )
                ),
                Time("ThrottleTime"),
                Tagged(0, "10+", List("Endpoints", "", Int32("Broker"), Text("Host"), Int32("Port"), NullableText("Rack"))),
            ],
            new()
            {
                ["id"] = "tx-1",
                ["acks"] = -1L,
                ["timeout"] = 30000L,
                ["topics[0].name"] = "orders",
                ["topics[0].partitions[0].index"] = 4L,
                ["topics[0].partitions[0].records"] = new byte[] { 1, 2, 3, 4, 5 },
                ["topics.Count"] = 1,
                ["topics[0].partitions.Count"] = 1,
            }
        ),
        MessageCase.Of(
            new FindCoordinatorRequest(CoordinatorType.Transaction, "tx-1"),
            [Text("key", "0-3"), Int8("type", "1+"), ListOf("keys", "4+", FieldKind.Text)],
            [
                Time("ThrottleTime", "1+"),
                Int16("Error", "0-3"),
                NullableText("Message", "1-3"),
                Int32("Broker", "0-3"),
                Text("Host", "0-3"),
                Int32("Port", "0-3"),
                List("only", "4+", Text("_"), Int32("Broker"), Text("Host"), Int32("Port"), Int16("Error"), NullableText("Message")),
            ],
            new()
            {
                ["key"] = "tx-1",
                ["type"] = 1L,
                ["keys[0]"] = "tx-1",
                ["keys.Count"] = 1,
            }
        ),
        MessageCase.Of(
            new AddPartitionsToTxnRequest(Producer, [new("orders", [4, 5])]),
            [Text("id"), Int64("producer"), Int16("epoch"), List("topics", "", Text("name"), ListOf("partitions", "", FieldKind.Int32))],
            [Time("ThrottleTime"), List("Topics", "", Text("Name"), List("Partitions", "", Int32("Partition"), Int16("Error")))],
            new()
            {
                ["id"] = "tx-1",
                ["producer"] = 4242L,
                ["epoch"] = 7L,
                ["topics[0].name"] = "orders",
                ["topics[0].partitions[0]"] = 4L,
                ["topics[0].partitions[1]"] = 5L,
                ["topics.Count"] = 1,
                ["topics[0].partitions.Count"] = 2,
            }
        ),
        MessageCase.Of(
            new AddOffsetsToTxnRequest(Producer, "g-1"),
            [Text("id"), Int64("producer"), Int16("epoch"), Text("group")],
            [Time("ThrottleTime"), Int16("Error")],
            new()
            {
                ["id"] = "tx-1",
                ["producer"] = 4242L,
                ["epoch"] = 7L,
                ["group"] = "g-1",
            }
        ),
        MessageCase.Of(
            new EndTxnRequest(Producer, commit: true),
            [Text("id"), Int64("producer"), Int16("epoch"), Bool("commit")],
            [Time("ThrottleTime"), Int16("Error")],
            new()
            {
                ["id"] = "tx-1",
                ["producer"] = 4242L,
                ["epoch"] = 7L,
                ["commit"] = true,
            }
        ),
        MessageCase.Of(
            new TxnOffsetCommitRequest(Producer, "g-1", [new("orders", [new(4, 99, "m", 3)])]),
            [
                Text("id"),
                Text("group"),
                Int64("producer"),
                Int16("epoch"),
                Int32("generation", "3+"),
                Text("member", "3+"),
                NullableText("instance", "3+"),
                List(
                    "topics",
                    "",
                    Text("name"),
                    List("partitions", "", Int32("index"), Int64("offset"), Int32("leader_epoch", "2+"), NullableText("metadata"))
                ),
            ],
            [Time("ThrottleTime"), List("Topics", "", Text("Name"), List("Partitions", "", Int32("Partition"), Int16("Error")))],
            new()
            {
                ["id"] = "tx-1",
                ["group"] = "g-1",
                ["producer"] = 4242L,
                ["epoch"] = 7L,
                ["topics[0].name"] = "orders",
                ["topics[0].partitions[0].index"] = 4L,
                ["topics[0].partitions[0].offset"] = 99L,
                ["topics[0].partitions[0].leader_epoch"] = 3L,
                ["topics[0].partitions[0].metadata"] = "m",
                ["topics.Count"] = 1,
                ["topics[0].partitions.Count"] = 1,
            }
        ),
        MessageCase.Of(
            new DescribeProducersRequest([new("orders", [4])]),
            [List("topics", "", Text("name"), ListOf("partitions", "", FieldKind.Int32))],
            [
                Time("ThrottleTime"),
                List(
                    "Topics",
                    "",
                    Text("Name"),
                    List(
                        "Partitions",
                        "",
                        Int32("Partition"),
                        Int16("Error"),
                        NullableText("Message"),
                        List(
                            "Producers",
                            "",
                            Int64("ProducerId"),
                            Int32("Epoch"),
                            Int32("LastSequence"),
                            Int64("LastTimestamp"),
                            Int32("CoordinatorEpoch"),
                            Int64("TransactionStart")
                        )
                    )
                ),
            ],
            new()
            {
                ["topics[0].name"] = "orders",
                ["topics[0].partitions[0]"] = 4L,
                ["topics.Count"] = 1,
                ["topics[0].partitions.Count"] = 1,
            }
        ),
        MessageCase.Of(
            new OffsetFetchRequest("g-1", [new("orders", [4])]) { RequireStable = true },
            [
                Text("group", "0-7"),
                NullableList("topics", "0-7", Text("name"), ListOf("partitions", "", FieldKind.Int32)),
                List("groups", "8+", Text("group"), NullableList("topics", "", Text("name"), ListOf("partitions", "", FieldKind.Int32))),
                Bool("stable", "7+"),
            ],
            [
                Time("ThrottleTime", "3+"),
                List("Topics", "0-7", Text("Name"), List("Partitions", "", Committed)),
                Int16("Error", "2-7"),
                List("only", "8+", Text("_"), List("Topics", "", Text("Name"), List("Partitions", "", Committed)), Int16("Error")),
            ],
            new()
            {
                ["group"] = "g-1",
                ["topics[0].name"] = "orders",
                ["topics[0].partitions[0]"] = 4L,
                ["groups[0].group"] = "g-1",
                ["groups[0].topics[0].name"] = "orders",
                ["groups[0].topics[0].partitions[0]"] = 4L,
                ["stable"] = true,
                ["topics.Count"] = 1,
                ["groups.Count"] = 1,
                ["groups[0].topics.Count"] = 1,
                ["topics[0].partitions.Count"] = 1,
                ["groups[0].topics[0].partitions.Count"] = 1,
            }
        ),
        MessageCase.Of(
            new SaslHandshakeRequest("PLAIN"),
            [Text("mechanism")],
            [Int16("Error"), ListOf("Mechanisms", "", FieldKind.Text)],
            new() { ["mechanism"] = "PLAIN" }
        ),
        MessageCase.Of(
            new SaslAuthenticateRequest(new byte[] { 1, 2, 3 }),
            [Bytes("token")],
            [Int16("Error"), NullableText("Message"), Bytes("Token"), Int64("SessionLifetimeMs", "1+")],
            new() { ["token"] = new byte[] { 1, 2, 3 } }
        ),
        MessageCase.Of(
            new DeleteRecordsRequest([new("orders", [new(4, 99)])], TimeSpan.FromSeconds(30)),
            [List("topics", "", Text("name"), List("partitions", "", Int32("index"), Int64("offset"))), Int32("timeout")],
            [
                Time("ThrottleTime"),
                List("Topics", "", Text("Name"), List("Partitions", "", Int32("Partition"), Int64("LowWatermark"), Int16("Error"))),
            ],
            new()
            {
                ["topics[0].name"] = "orders",
                ["topics[0].partitions[0].index"] = 4L,
                ["topics[0].partitions[0].offset"] = 99L,
                ["timeout"] = 30000L,
                ["topics.Count"] = 1,
                ["topics[0].partitions.Count"] = 1,
            }
        ),
    ];

    private static Field[] Committed =>
        [Int32("Partition"), Int64("Offset"), Int32("LeaderEpoch", "5+"), NullableText("Metadata"), Int16("Error")];
}
