namespace KafkaBackup.Engine.Cluster.Native;

/// <summary>Asks for offsets of partitions by bound or by time.</summary>
internal static unsafe class OffsetRequests
{
    private const int ReadUncommitted = 0;
    private const int ReadCommitted = 1;

    /// <param name="specs">Per partition a time, or one of the library's constants for a bound.</param>
    public static AdminRequest<List<OffsetResult>> List(IReadOnlyCollection<KeyValuePair<TopicPartition, long>> specs, IsolationLevel isolation) => new(
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
        Read,
        options => _ = NativeError.Take(LibRdKafka.rd_kafka_AdminOptions_set_isolation_level(options, isolation == IsolationLevel.ReadCommitted ? ReadCommitted : ReadUncommitted)));

    private static List<OffsetResult> Read(nint result)
    {
        nuint count;
        var infos = LibRdKafka.rd_kafka_ListOffsets_result_infos(result, &count);
        var all = new List<OffsetResult>((int)count);
        for (nuint i = 0; i < count; i++)
        {
            var element = LibRdKafka.rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]);
            all.Add(new OffsetResult(
                PartitionList.Name(element),
                element->Offset < 0 ? null : element->Offset,
                LibRdKafka.rd_kafka_ListOffsetsResultInfo_timestamp(infos[i]),
                LibRdKafka.rd_kafka_topic_partition_get_leader_epoch(element),
                element->Err == 0 ? null : NativeError.From(element->Err)));
        }

        return all;
    }
}

internal readonly record struct OffsetResult(TopicPartition Partition, long? Offset, long Timestamp, int LeaderEpoch, NativeError? Error);
