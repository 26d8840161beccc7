namespace KafkaBackup.Engine.Cluster.Native;

/// <summary>Requests about consumer groups, and the reading of their answers.</summary>
internal static unsafe class GroupRequests
{
    /// <param name="timeout">A broker that has not answered by then is an error of its own; the others' answers count.</param>
    public static AdminRequest<(Dictionary<string, int> Groups, IReadOnlyList<NativeError> Errors)> List(TimeSpan timeout) =>
        new(
            AdminOperation.ListConsumerGroups,
            LibRdKafka.rd_kafka_ListConsumerGroups,
            ReadListings,
            options => _ = LibRdKafka.rd_kafka_AdminOptions_set_request_timeout(options, (int)timeout.TotalMilliseconds, null, 0)
        );

    public static AdminRequest<List<(string Name, int State, int Members, NativeError? Error)>> Describe(string[] groups) =>
        new(
            AdminOperation.DescribeConsumerGroups,
            (client, options, queue) =>
            {
                using var names = new NameArray(groups);
                LibRdKafka.rd_kafka_DescribeConsumerGroups(client, names.Pointer, (nuint)groups.Length, options, queue);
            },
            ReadDescriptions
        );

    public static AdminRequest<(IReadOnlyList<GroupOffset> Offsets, NativeError? Error)> ListOffsets(
        string group,
        IReadOnlyCollection<TopicPartition>? only,
        bool requireStable
    ) =>
        new(
            AdminOperation.ListConsumerGroupOffsets,
            (client, options, queue) =>
            {
                using var list = only is null ? null : new PartitionList(only.Count);
                foreach (var partition in only ?? [])
                {
                    list!.Add(partition, LibRdKafka.OffsetInvalid);
                }

                var request = LibRdKafka.rd_kafka_ListConsumerGroupOffsets_new(group, list is null ? null : list.Pointer);
                LibRdKafka.rd_kafka_ListConsumerGroupOffsets(client, &request, 1, options, queue);
                LibRdKafka.rd_kafka_ListConsumerGroupOffsets_destroy(request);
            },
            result =>
            {
                nuint count;
                return ReadPartitions(LibRdKafka.rd_kafka_ListConsumerGroupOffsets_result_groups(result, &count), count);
            },
            options => _ = NativeError.Take(LibRdKafka.rd_kafka_AdminOptions_set_require_stable_offsets(options, requireStable ? 1 : 0))
        );

    public static AdminRequest<(IReadOnlyList<GroupOffset> Offsets, NativeError? Error)> AlterOffsets(
        string group,
        IReadOnlyCollection<GroupOffset> offsets
    ) =>
        new(
            AdminOperation.AlterConsumerGroupOffsets,
            (client, options, queue) =>
            {
                using var list = new PartitionList(offsets.Count);
                foreach (var offset in offsets)
                {
                    list.Add(offset);
                }

                var request = LibRdKafka.rd_kafka_AlterConsumerGroupOffsets_new(group, list.Pointer);
                LibRdKafka.rd_kafka_AlterConsumerGroupOffsets(client, &request, 1, options, queue);
                LibRdKafka.rd_kafka_AlterConsumerGroupOffsets_destroy(request);
            },
            result =>
            {
                nuint count;
                return ReadPartitions(LibRdKafka.rd_kafka_AlterConsumerGroupOffsets_result_groups(result, &count), count);
            }
        );

    public static AdminRequest<(IReadOnlyList<GroupOffset> Offsets, NativeError? Error)> DeleteOffsets(
        string group,
        IReadOnlyCollection<TopicPartition> partitions
    ) =>
        new(
            AdminOperation.DeleteConsumerGroupOffsets,
            (client, options, queue) =>
            {
                using var list = new PartitionList(partitions.Count);
                foreach (var partition in partitions)
                {
                    list.Add(partition, 0);
                }

                var request = LibRdKafka.rd_kafka_DeleteConsumerGroupOffsets_new(group, list.Pointer);
                LibRdKafka.rd_kafka_DeleteConsumerGroupOffsets(client, &request, 1, options, queue);
                LibRdKafka.rd_kafka_DeleteConsumerGroupOffsets_destroy(request);
            },
            result =>
            {
                nuint count;
                return ReadPartitions(LibRdKafka.rd_kafka_DeleteConsumerGroupOffsets_result_groups(result, &count), count);
            }
        );

    private static (Dictionary<string, int> Groups, IReadOnlyList<NativeError> Errors) ReadListings(nint result)
    {
        nuint count;
        var groups = new Dictionary<string, int>(StringComparer.Ordinal);
        var listings = LibRdKafka.rd_kafka_ListConsumerGroups_result_valid(result, &count);
        for (nuint i = 0; i < count; i++)
        {
            groups[LibRdKafka.Text(LibRdKafka.rd_kafka_ConsumerGroupListing_group_id(listings[i]))] =
                LibRdKafka.rd_kafka_ConsumerGroupListing_state(listings[i]);
        }

        var refusals = LibRdKafka.rd_kafka_ListConsumerGroups_result_errors(result, &count);
        var errors = new List<NativeError>();
        for (nuint i = 0; i < count; i++)
        {
            if (NativeError.Borrow(refusals[i]) is { } error)
            {
                errors.Add(error);
            }
        }

        return (groups, errors);
    }

    private static List<(string Name, int State, int Members, NativeError? Error)> ReadDescriptions(nint result)
    {
        nuint count;
        var groups = LibRdKafka.rd_kafka_DescribeConsumerGroups_result_groups(result, &count);
        var all = new List<(string, int, int, NativeError?)>((int)count);
        for (nuint i = 0; i < count; i++)
        {
            all.Add(
                (
                    LibRdKafka.Text(LibRdKafka.rd_kafka_ConsumerGroupDescription_group_id(groups[i])),
                    LibRdKafka.rd_kafka_ConsumerGroupDescription_state(groups[i]),
                    (int)LibRdKafka.rd_kafka_ConsumerGroupDescription_member_count(groups[i]),
                    NativeError.Borrow(LibRdKafka.rd_kafka_ConsumerGroupDescription_error(groups[i]))
                )
            );
        }

        return all;
    }

    /// <summary>The offsets of one group, without partitions that have none; or the first error, of the group or of a partition.</summary>
    private static (IReadOnlyList<GroupOffset> Offsets, NativeError? Error) ReadPartitions(nint* groups, nuint count)
    {
        var offsets = new List<GroupOffset>();
        for (nuint i = 0; i < count; i++)
        {
            if (NativeError.Borrow(LibRdKafka.rd_kafka_group_result_error(groups[i])) is { } error)
            {
                return ([], error);
            }

            var list = LibRdKafka.rd_kafka_group_result_partitions(groups[i]);
            for (var p = 0; list is not null && p < list->Count; p++)
            {
                var element = &list->Elements[p];
                if (element->Err != 0)
                {
                    return ([], NativeError.From(element->Err));
                }

                if (element->Offset >= 0)
                {
                    offsets.Add(
                        new GroupOffset(
                            PartitionList.Name(element),
                            element->Offset,
                            PartitionList.Metadata(element),
                            LibRdKafka.rd_kafka_topic_partition_get_leader_epoch(element)
                        )
                    );
                }
            }
        }

        return (offsets, null);
    }

    public static string StateName(int state) => LibRdKafka.Text(LibRdKafka.rd_kafka_consumer_group_state_name(state));
}
