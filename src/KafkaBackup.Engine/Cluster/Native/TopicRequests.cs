using ErrorCode = Confluent.Kafka.ErrorCode;

namespace KafkaBackup.Engine.Cluster.Native;

/// <summary>Requests about topics, and the reading of their answers.</summary>
internal static unsafe class TopicRequests
{
    /// <summary>Less than a request waits, so that the brokers' answer comes before it is given up.</summary>
    private const int OperationTimeoutMs = 25_000;

    // RD_KAFKA_ACL_OPERATION_...
    private const int MayRead = 3;
    private const int MayWrite = 4;
    private const int MayDelete = 6;
    private const int MayDescribe = 8;
    private const int MayDescribeConfigs = 10;

    /// <summary>RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG: set on the topic itself.</summary>
    private const int ConfigFromTopic = 1;

    /// <param name="withRights">Asks also what this user may do with them, which is work for the brokers.</param>
    public static AdminRequest<List<TopicDetail>> Describe(string[] topics, bool withRights = false) =>
        new(
            AdminOperation.DescribeTopics,
            (client, options, queue) =>
            {
                using var names = new NameArray(topics);
                var collection = LibRdKafka.rd_kafka_TopicCollection_of_topic_names(names.Pointer, (nuint)topics.Length);
                LibRdKafka.rd_kafka_DescribeTopics(client, collection, options, queue);
                LibRdKafka.rd_kafka_TopicCollection_destroy(collection);
            },
            ReadDetails,
            options => _ = NativeError.Take(LibRdKafka.rd_kafka_AdminOptions_set_include_authorized_operations(options, withRights ? 1 : 0))
        );

    public static AdminRequest<List<(string Name, IReadOnlyList<TopicConfig> Configs, NativeError? Error)>> DescribeConfigs(
        string[] topics
    ) =>
        new(
            AdminOperation.DescribeConfigs,
            (client, options, queue) =>
                WithHandles(
                    topics,
                    name => LibRdKafka.rd_kafka_ConfigResource_new(LibRdKafka.ResourceTopic, name),
                    LibRdKafka.rd_kafka_ConfigResource_destroy,
                    (handles, count) => LibRdKafka.rd_kafka_DescribeConfigs(client, (nint*)handles, count, options, queue)
                ),
            ReadConfigs
        );

    /// <param name="validateOnly">Only asks whether the cluster would.</param>
    public static AdminRequest<Dictionary<string, NativeError>> Create(NewTopic[] topics, bool validateOnly) =>
        new(
            AdminOperation.CreateTopics,
            (client, options, queue) =>
                WithHandles(
                    topics,
                    Native,
                    LibRdKafka.rd_kafka_NewTopic_destroy,
                    (handles, count) => LibRdKafka.rd_kafka_CreateTopics(client, (nint*)handles, count, options, queue)
                ),
            ReadCreated,
            options =>
            {
                SetOperationTimeout(options);
                if (LibRdKafka.rd_kafka_AdminOptions_set_validate_only(options, validateOnly ? 1 : 0, null, 0) != 0)
                {
                    throw new InvalidOperationException("The client library cannot ask without doing.");
                }
            }
        )
        {
            ChangesNothing = validateOnly,
        };

    public static AdminRequest<Dictionary<string, NativeError>> Delete(string topic) =>
        new(
            AdminOperation.DeleteTopics,
            (client, options, queue) =>
                WithHandles(
                    [topic],
                    LibRdKafka.rd_kafka_DeleteTopic_new,
                    LibRdKafka.rd_kafka_DeleteTopic_destroy,
                    (handles, count) => LibRdKafka.rd_kafka_DeleteTopics(client, (nint*)handles, count, options, queue)
                ),
            ReadDeleted,
            SetOperationTimeout
        );

    public static AdminRequest<List<(TopicPartition Partition, NativeError Error)>> DeleteRecords(
        IReadOnlyDictionary<TopicPartition, long> beforeOffsets
    ) =>
        new(
            AdminOperation.DeleteRecords,
            (client, options, queue) =>
            {
                using var list = new PartitionList(beforeOffsets.Count);
                foreach (var (partition, offset) in beforeOffsets)
                {
                    list.Add(partition, offset);
                }

                var request = LibRdKafka.rd_kafka_DeleteRecords_new(list.Pointer);
                LibRdKafka.rd_kafka_DeleteRecords(client, &request, 1, options, queue);
                LibRdKafka.rd_kafka_DeleteRecords_destroy(request);
            },
            ReadDeletedRecords,
            SetOperationTimeout
        );

    private static List<TopicDetail> ReadDetails(nint result)
    {
        nuint count;
        var topics = LibRdKafka.rd_kafka_DescribeTopics_result_topics(result, &count);
        var details = new List<TopicDetail>((int)count);
        for (nuint i = 0; i < count; i++)
        {
            if (topics[i] == 0 || NativeError.Borrow(LibRdKafka.rd_kafka_TopicDescription_error(topics[i])) is not null)
            {
                continue;
            }

            nuint partitionCount;
            var partitions = LibRdKafka.rd_kafka_TopicDescription_partitions(topics[i], &partitionCount);
            var leaders = new int[(int)partitionCount];
            for (var p = 0; p < leaders.Length; p++)
            {
                var leader = LibRdKafka.rd_kafka_TopicPartitionInfo_leader(partitions[p]);
                leaders[p] = leader == 0 ? -1 : LibRdKafka.rd_kafka_Node_id(leader);
            }

            details.Add(
                new TopicDetail(
                    LibRdKafka.Text(LibRdKafka.rd_kafka_TopicDescription_name(topics[i])),
                    ReadId(LibRdKafka.rd_kafka_TopicDescription_topic_id(topics[i])),
                    LibRdKafka.rd_kafka_TopicDescription_is_internal(topics[i]) != 0,
                    leaders,
                    ReadRights(topics[i])
                )
            );
        }

        return details;
    }

    /// <summary>
    /// Who was let see a topic may describe it: where even that is not among its rights, they are not known (brokers before Kafka 2.3, and
    /// some that are no Kafka).
    /// </summary>
    private static TopicRights? ReadRights(nint topic)
    {
        nuint count;
        var operations = LibRdKafka.rd_kafka_TopicDescription_authorized_operations(topic, &count);
        var allowed = new ReadOnlySpan<int>(operations, operations is null ? 0 : (int)count);
        return allowed.Contains(MayDescribe)
            ? new TopicRights(
                allowed.Contains(MayRead),
                allowed.Contains(MayWrite),
                allowed.Contains(MayDelete),
                allowed.Contains(MayDescribeConfigs)
            )
            : null;
    }

    /// <summary>As Kafka's own tools write it: the library's base 64 in the URL-safe alphabet.</summary>
    private static string? ReadId(nint id) =>
        id == 0 || (LibRdKafka.rd_kafka_Uuid_most_significant_bits(id) == 0 && LibRdKafka.rd_kafka_Uuid_least_significant_bits(id) == 0)
            ? null
            : LibRdKafka.Text(LibRdKafka.rd_kafka_Uuid_base64str(id)).Replace('+', '-').Replace('/', '_');

    private static List<(string Name, IReadOnlyList<TopicConfig> Configs, NativeError? Error)> ReadConfigs(nint result)
    {
        nuint count;
        var resources = LibRdKafka.rd_kafka_DescribeConfigs_result_resources(result, &count);
        var all = new List<(string, IReadOnlyList<TopicConfig>, NativeError?)>((int)count);
        for (nuint i = 0; i < count; i++)
        {
            var name = LibRdKafka.Text(LibRdKafka.rd_kafka_ConfigResource_name(resources[i]));
            var code = LibRdKafka.rd_kafka_ConfigResource_error(resources[i]);
            if (code != 0)
            {
                all.Add((name, [], NativeError.From(code, LibRdKafka.rd_kafka_ConfigResource_error_string(resources[i]))));
                continue;
            }

            nuint entryCount;
            var entries = LibRdKafka.rd_kafka_ConfigResource_configs(resources[i], &entryCount);
            var configs = new TopicConfig[(int)entryCount];
            for (var e = 0; e < configs.Length; e++)
            {
                var value = LibRdKafka.rd_kafka_ConfigEntry_value(entries[e]);
                configs[e] = new TopicConfig(
                    LibRdKafka.Text(LibRdKafka.rd_kafka_ConfigEntry_name(entries[e])),
                    value is null ? null : LibRdKafka.Text(value),
                    LibRdKafka.rd_kafka_ConfigEntry_source(entries[e]) != ConfigFromTopic,
                    LibRdKafka.rd_kafka_ConfigEntry_is_sensitive(entries[e]) > 0,
                    LibRdKafka.rd_kafka_ConfigEntry_is_read_only(entries[e]) > 0
                );
            }

            all.Add((name, configs, null));
        }

        return all;
    }

    private static nint Native(NewTopic topic)
    {
        var error = stackalloc byte[512];
        var request = LibRdKafka.rd_kafka_NewTopic_new(topic.Name, topic.Partitions, topic.ReplicationFactor, error, 512);
        if (request == 0)
        {
            throw ErrorIds.TopicCreation.With($"Topic '{topic.Name}' cannot be created: {LibRdKafka.Text(error)}", topic.Name);
        }

        foreach (var (name, value) in topic.Configs)
        {
            _ = LibRdKafka.rd_kafka_NewTopic_set_config(request, name, value);
        }

        return request;
    }

    private static Dictionary<string, NativeError> ReadCreated(nint result)
    {
        nuint count;
        return ReadTopicErrors(LibRdKafka.rd_kafka_CreateTopics_result_topics(result, &count), count);
    }

    private static Dictionary<string, NativeError> ReadDeleted(nint result)
    {
        nuint count;
        return ReadTopicErrors(LibRdKafka.rd_kafka_DeleteTopics_result_topics(result, &count), count);
    }

    private static Dictionary<string, NativeError> ReadTopicErrors(nint* results, nuint count)
    {
        var errors = new Dictionary<string, NativeError>(StringComparer.Ordinal);
        for (nuint i = 0; i < count; i++)
        {
            // A topic that the answer leaves out has no result.
            var code = results[i] == 0 ? 0 : LibRdKafka.rd_kafka_topic_result_error(results[i]);
            if (code != 0)
            {
                errors[LibRdKafka.Text(LibRdKafka.rd_kafka_topic_result_name(results[i]))] = NativeError.From(
                    code,
                    LibRdKafka.rd_kafka_topic_result_error_string(results[i])
                );
            }
        }

        return errors;
    }

    private static void SetOperationTimeout(nint options) =>
        _ = LibRdKafka.rd_kafka_AdminOptions_set_operation_timeout(options, OperationTimeoutMs, null, 0);

    /// <summary>Makes a native object of each for the length of a call.</summary>
    private static void WithHandles<T>(IEnumerable<T> things, Func<T, nint> create, Action<nint> destroy, Action<nint, nuint> use)
    {
        var handles = new List<nint>();
        try
        {
            foreach (var thing in things)
            {
                handles.Add(create(thing));
            }

            fixed (nint* pointer = handles.ToArray())
            {
                use((nint)pointer, (nuint)handles.Count);
            }
        }
        finally
        {
            handles.ForEach(destroy);
        }
    }

    private static List<(TopicPartition Partition, NativeError Error)> ReadDeletedRecords(nint result)
    {
        var list = LibRdKafka.rd_kafka_DeleteRecords_result_offsets(result);
        var failed = new List<(TopicPartition Partition, NativeError Error)>();
        for (var i = 0; i < list->Count; i++)
        {
            if (list->Elements[i].Err != 0)
            {
                failed.Add((PartitionList.Name(&list->Elements[i]), NativeError.From(list->Elements[i].Err)));
            }
        }

        return failed;
    }
}

/// <param name="TopicId">Null where the broker gives none.</param>
/// <param name="Leaders">Per partition in order; -1 for none.</param>
/// <param name="Rights">Null where they are not known or were not asked for.</param>
internal sealed record TopicDetail(string Name, string? TopicId, bool IsInternal, IReadOnlyList<int> Leaders, TopicRights? Rights);
