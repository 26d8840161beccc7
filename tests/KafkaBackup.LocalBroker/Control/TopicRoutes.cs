namespace KafkaBackup.LocalBroker.Control;

/// <summary>The part of the control port below /topics.</summary>
internal sealed class TopicRoutes(LocalCluster cluster)
{
    public object? Act(HttpExchange asked)
    {
        var path = asked.Path;
        return (asked.Method, path.Count) switch
        {
            ("GET", 1) => cluster.TopicNames,
            ("POST", 1) => ControlRoutes.Did(() =>
                cluster.CreateTopic(
                    asked.Field<string>("name"),
                    asked.Field("partitions", 1),
                    asked.Field<Dictionary<string, string>?>("config", null),
                    asked.Field("replicationFactor", (short)1)
                )
            ),
            ("GET", 2) => Describe(path[1]),
            ("DELETE", 2) => ControlRoutes.Did(() => cluster.DeleteTopic(path[1])),
            ("POST", 3) => OnTopic(asked, path[1], path[2]),
            ("GET", 5) when path[2] == "partitions" && path[4] == "records" => Records(path[1], ControlRoutes.Number(path[3])),
            ("POST", 5) when path[2] == "partitions" => OnPartition(asked, path[1], ControlRoutes.Number(path[3]), path[4]),
            _ => null,
        };
    }

    private object? OnTopic(HttpExchange asked, string topic, string action) =>
        action switch
        {
            "recreate" => ControlRoutes.Did(() => cluster.RecreateTopic(topic, asked.Field<int?>("partitions", null))),
            "compact" => ControlRoutes.Did(() => cluster.Compact(topic, asked.Field("dropTombstones", false))),
            "expire" => ControlRoutes.Did(() => cluster.Expire(topic, asked.Field<long>("before"))),
            "partitions" => ControlRoutes.Did(() => cluster.AddPartitions(topic, asked.Field<int>("count"))),
            "config" => ControlRoutes.Did(() =>
                cluster.SetTopicConfig(topic, asked.Field<string>("name"), asked.Field<string?>("value", null))
            ),
            _ => null,
        };

    private object? OnPartition(HttpExchange asked, string topic, int partition, string action) =>
        action switch
        {
            "delete-records" => ControlRoutes.Did(() => cluster.DeleteRecords(topic, partition, asked.Field<long>("before"))),
            "truncate" => ControlRoutes.Did(() => cluster.Truncate(topic, partition, asked.Field<long>("offset"))),
            "corrupt" => ControlRoutes.Did(() => cluster.CorruptBatch(topic, partition, asked.Field<long>("offset"))),
            "leader" => ControlRoutes.Did(() => cluster.MoveLeader(topic, partition, asked.Field<int>("broker"))),
            "records" => new
            {
                offset = cluster.Append(
                    topic,
                    partition,
                    asked.Field<List<SentRecord>>("records").ConvertAll(r => LocalRecord.Of(r.Key, r.Value, r.Timestamp)),
                    LocalCodec.None
                ),
            },
            _ => null,
        };

    private object Describe(string topic) =>
        new
        {
            name = topic,
            id = cluster.TopicId(topic),
            config = cluster.TopicConfigOf(topic),
            partitions = Enumerable
                .Range(0, cluster.PartitionCount(topic))
                .Select(p => new
                {
                    partition = p,
                    leader = cluster.LeaderOf(topic, p),
                    leaderEpoch = cluster.LeaderEpoch(topic, p),
                    logStart = cluster.LogStart(topic, p),
                    logEnd = cluster.LogEnd(topic, p),
                    lastStableOffset = cluster.LastStableOffset(topic, p),
                })
                .ToList(),
        };

    private List<ShownRecord> Records(string topic, int partition) =>
        [
            .. cluster
                .Read(topic, partition)
                .Select(r => new ShownRecord(
                    r.Offset,
                    r.Timestamp,
                    r.KeyText,
                    r.ValueText,
                    [.. r.Headers.Select(h => new ShownHeader(h.Name, h.Value))],
                    r.IsTransactional,
                    r.IsControl,
                    r.IsAborted
                )),
        ];

    private sealed record SentRecord(string? Key, string? Value, long Timestamp);

    private sealed record ShownHeader(string Name, byte[]? Value);

    private sealed record ShownRecord(
        long Offset,
        long Timestamp,
        string? Key,
        string? Value,
        IReadOnlyList<ShownHeader> Headers,
        bool IsTransactional,
        bool IsControl,
        bool IsAborted
    );
}
