using ErrorCode = Confluent.Kafka.ErrorCode;

namespace KafkaBackup.Engine.Cluster.Native;

/// <summary>Asks for offsets of partitions by bound or by time.</summary>
internal static unsafe class OffsetRequests
{
    private const int ReadUncommitted = 0;
    private const int ReadCommitted = 1;
    private const long NotFound = -1;

    /// <param name="specs">Per partition a time, or one of the library's constants for a bound.</param>
    public static AdminRequest<List<OffsetResult>> List(
        IReadOnlyCollection<KeyValuePair<TopicPartition, long>> specs,
        IsolationLevel isolation
    ) =>
        new(
            AdminOperation.ListOffsets,
            (client, options, queue) =>
            {
                using var list = new PartitionList(specs.Count);
                foreach (var (partition, spec) in specs)
                {
                    list.Add(partition, spec);
                }

                LibRdKafka.rd_kafka_ListOffsets(client, list.Pointer, options, queue);
            },
            result => Read(result, specs.ToDictionary()),
            options =>
                _ = NativeError.Take(
                    LibRdKafka.rd_kafka_AdminOptions_set_isolation_level(
                        options,
                        isolation == IsolationLevel.ReadCommitted ? ReadCommitted : ReadUncommitted
                    )
                )
        );

    /// <summary>
    /// The partitions of a broker that did not answer come back without an error too: the library fills in only what it got. No answer
    /// looks like that: bounds are never negative, nothing found by time is -1, and what is found comes with a time.
    /// </summary>
    private static List<OffsetResult> Read(nint result, Dictionary<TopicPartition, long> asked)
    {
        nuint count;
        var infos = LibRdKafka.rd_kafka_ListOffsets_result_infos(result, &count);
        var all = new List<OffsetResult>((int)count);
        for (nuint i = 0; i < count; i++)
        {
            var element = LibRdKafka.rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]);
            var partition = PartitionList.Name(element);
            var timestamp = LibRdKafka.rd_kafka_ListOffsetsResultInfo_timestamp(infos[i]);
            var spec = asked[partition];
            var unanswered =
                timestamp < 0
                && (element->Offset < NotFound || (spec < 0 && element->Offset < 0) || (spec >= 0 && element->Offset == spec));
            all.Add(
                new OffsetResult(
                    partition,
                    element->Offset < 0 || unanswered ? null : element->Offset,
                    timestamp,
                    LibRdKafka.rd_kafka_topic_partition_get_leader_epoch(element),
                    element->Err != 0 ? NativeError.From(element->Err)
                        : unanswered ? NativeError.From((int)ErrorCode.Local_TimedOut)
                        : null
                )
            );
        }

        return all;
    }
}

internal readonly record struct OffsetResult(TopicPartition Partition, long? Offset, long Timestamp, int LeaderEpoch, NativeError? Error);
