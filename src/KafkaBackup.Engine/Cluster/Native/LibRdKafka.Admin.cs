using System.Runtime.InteropServices;

namespace KafkaBackup.Engine.Cluster.Native;

/// <summary>The admin calls: each takes options and a queue, and answers with an event that carries its result.</summary>
internal static unsafe partial class LibRdKafka
{
    public const int OffsetSpecEarliest = -2;
    public const int OffsetSpecLatest = -1;

    public const int ResourceTopic = 2;

    [LibraryImport(Library)]
    public static partial nint rd_kafka_AdminOptions_new(nint client, AdminOperation operation);

    [LibraryImport(Library)]
    public static partial void rd_kafka_AdminOptions_destroy(nint options);

    [LibraryImport(Library)]
    public static partial int rd_kafka_AdminOptions_set_request_timeout(nint options, int timeoutMs, byte* error, nuint errorSize);

    [LibraryImport(Library)]
    public static partial int rd_kafka_AdminOptions_set_operation_timeout(nint options, int timeoutMs, byte* error, nuint errorSize);

    [LibraryImport(Library)]
    public static partial int rd_kafka_AdminOptions_set_validate_only(nint options, int validateOnly, byte* error, nuint errorSize);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_AdminOptions_set_include_authorized_operations(nint options, int include);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_AdminOptions_set_isolation_level(nint options, int level);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_AdminOptions_set_require_stable_offsets(nint options, int stable);

    // Offsets of partitions

    [LibraryImport(Library)]
    public static partial void rd_kafka_ListOffsets(nint client, NativeTopicPartitionList* partitions, nint options, nint queue);

    [LibraryImport(Library)]
    public static partial nint* rd_kafka_ListOffsets_result_infos(nint result, nuint* count);

    [LibraryImport(Library)]
    public static partial NativeTopicPartition* rd_kafka_ListOffsetsResultInfo_topic_partition(nint info);

    [LibraryImport(Library)]
    public static partial long rd_kafka_ListOffsetsResultInfo_timestamp(nint info);

    // Topics

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint rd_kafka_NewTopic_new(string topic, int partitions, int replicationFactor, byte* error, nuint errorSize);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int rd_kafka_NewTopic_set_config(nint topic, string name, string value);

    [LibraryImport(Library)]
    public static partial void rd_kafka_NewTopic_destroy(nint topic);

    [LibraryImport(Library)]
    public static partial void rd_kafka_CreateTopics(nint client, nint* topics, nuint count, nint options, nint queue);

    [LibraryImport(Library)]
    public static partial nint* rd_kafka_CreateTopics_result_topics(nint result, nuint* count);

    [LibraryImport(Library)]
    public static partial int rd_kafka_topic_result_error(nint result);

    [LibraryImport(Library)]
    public static partial byte* rd_kafka_topic_result_error_string(nint result);

    [LibraryImport(Library)]
    public static partial byte* rd_kafka_topic_result_name(nint result);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint rd_kafka_DeleteTopic_new(string topic);

    [LibraryImport(Library)]
    public static partial void rd_kafka_DeleteTopic_destroy(nint topic);

    [LibraryImport(Library)]
    public static partial void rd_kafka_DeleteTopics(nint client, nint* topics, nuint count, nint options, nint queue);

    [LibraryImport(Library)]
    public static partial nint* rd_kafka_DeleteTopics_result_topics(nint result, nuint* count);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_DeleteRecords_new(NativeTopicPartitionList* beforeOffsets);

    [LibraryImport(Library)]
    public static partial void rd_kafka_DeleteRecords_destroy(nint request);

    [LibraryImport(Library)]
    public static partial void rd_kafka_DeleteRecords(nint client, nint* requests, nuint count, nint options, nint queue);

    [LibraryImport(Library)]
    public static partial NativeTopicPartitionList* rd_kafka_DeleteRecords_result_offsets(nint result);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_TopicCollection_of_topic_names(byte** names, nuint count);

    [LibraryImport(Library)]
    public static partial void rd_kafka_TopicCollection_destroy(nint collection);

    [LibraryImport(Library)]
    public static partial void rd_kafka_DescribeTopics(nint client, nint topics, nint options, nint queue);

    [LibraryImport(Library)]
    public static partial nint* rd_kafka_DescribeTopics_result_topics(nint result, nuint* count);

    [LibraryImport(Library)]
    public static partial byte* rd_kafka_TopicDescription_name(nint topic);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_TopicDescription_error(nint topic);

    [LibraryImport(Library)]
    public static partial int* rd_kafka_TopicDescription_authorized_operations(nint topic, nuint* count);

    [LibraryImport(Library)]
    public static partial int rd_kafka_TopicDescription_is_internal(nint topic);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_TopicDescription_topic_id(nint topic);

    [LibraryImport(Library)]
    public static partial nint* rd_kafka_TopicDescription_partitions(nint topic, nuint* count);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_TopicPartitionInfo_leader(nint partition);

    [LibraryImport(Library)]
    public static partial int rd_kafka_Node_id(nint node);

    [LibraryImport(Library)]
    public static partial byte* rd_kafka_Uuid_base64str(nint id);

    [LibraryImport(Library)]
    public static partial long rd_kafka_Uuid_most_significant_bits(nint id);

    [LibraryImport(Library)]
    public static partial long rd_kafka_Uuid_least_significant_bits(nint id);

    // Configs

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint rd_kafka_ConfigResource_new(int type, string name);

    [LibraryImport(Library)]
    public static partial void rd_kafka_ConfigResource_destroy(nint resource);

    [LibraryImport(Library)]
    public static partial void rd_kafka_DescribeConfigs(nint client, nint* resources, nuint count, nint options, nint queue);

    [LibraryImport(Library)]
    public static partial nint* rd_kafka_DescribeConfigs_result_resources(nint result, nuint* count);

    [LibraryImport(Library)]
    public static partial byte* rd_kafka_ConfigResource_name(nint resource);

    [LibraryImport(Library)]
    public static partial int rd_kafka_ConfigResource_error(nint resource);

    [LibraryImport(Library)]
    public static partial byte* rd_kafka_ConfigResource_error_string(nint resource);

    [LibraryImport(Library)]
    public static partial nint* rd_kafka_ConfigResource_configs(nint resource, nuint* count);

    [LibraryImport(Library)]
    public static partial byte* rd_kafka_ConfigEntry_name(nint entry);

    [LibraryImport(Library)]
    public static partial byte* rd_kafka_ConfigEntry_value(nint entry);

    [LibraryImport(Library)]
    public static partial int rd_kafka_ConfigEntry_source(nint entry);

    [LibraryImport(Library)]
    public static partial int rd_kafka_ConfigEntry_is_read_only(nint entry);

    [LibraryImport(Library)]
    public static partial int rd_kafka_ConfigEntry_is_sensitive(nint entry);

    // Groups

    [LibraryImport(Library)]
    public static partial void rd_kafka_ListConsumerGroups(nint client, nint options, nint queue);

    [LibraryImport(Library)]
    public static partial nint* rd_kafka_ListConsumerGroups_result_valid(nint result, nuint* count);

    [LibraryImport(Library)]
    public static partial nint* rd_kafka_ListConsumerGroups_result_errors(nint result, nuint* count);

    [LibraryImport(Library)]
    public static partial byte* rd_kafka_ConsumerGroupListing_group_id(nint listing);

    [LibraryImport(Library)]
    public static partial int rd_kafka_ConsumerGroupListing_state(nint listing);

    [LibraryImport(Library)]
    public static partial void rd_kafka_DescribeConsumerGroups(nint client, byte** groups, nuint count, nint options, nint queue);

    [LibraryImport(Library)]
    public static partial nint* rd_kafka_DescribeConsumerGroups_result_groups(nint result, nuint* count);

    [LibraryImport(Library)]
    public static partial byte* rd_kafka_ConsumerGroupDescription_group_id(nint description);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_ConsumerGroupDescription_error(nint description);

    [LibraryImport(Library)]
    public static partial int rd_kafka_ConsumerGroupDescription_state(nint description);

    [LibraryImport(Library)]
    public static partial nuint rd_kafka_ConsumerGroupDescription_member_count(nint description);

    [LibraryImport(Library)]
    public static partial byte* rd_kafka_consumer_group_state_name(int state);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint rd_kafka_ListConsumerGroupOffsets_new(string group, NativeTopicPartitionList* partitions);

    [LibraryImport(Library)]
    public static partial void rd_kafka_ListConsumerGroupOffsets_destroy(nint request);

    [LibraryImport(Library)]
    public static partial void rd_kafka_ListConsumerGroupOffsets(nint client, nint* requests, nuint count, nint options, nint queue);

    [LibraryImport(Library)]
    public static partial nint* rd_kafka_ListConsumerGroupOffsets_result_groups(nint result, nuint* count);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint rd_kafka_AlterConsumerGroupOffsets_new(string group, NativeTopicPartitionList* partitions);

    [LibraryImport(Library)]
    public static partial void rd_kafka_AlterConsumerGroupOffsets_destroy(nint request);

    [LibraryImport(Library)]
    public static partial void rd_kafka_AlterConsumerGroupOffsets(nint client, nint* requests, nuint count, nint options, nint queue);

    [LibraryImport(Library)]
    public static partial nint* rd_kafka_AlterConsumerGroupOffsets_result_groups(nint result, nuint* count);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint rd_kafka_DeleteConsumerGroupOffsets_new(string group, NativeTopicPartitionList* partitions);

    [LibraryImport(Library)]
    public static partial void rd_kafka_DeleteConsumerGroupOffsets_destroy(nint request);

    [LibraryImport(Library)]
    public static partial void rd_kafka_DeleteConsumerGroupOffsets(nint client, nint* requests, nuint count, nint options, nint queue);

    [LibraryImport(Library)]
    public static partial nint* rd_kafka_DeleteConsumerGroupOffsets_result_groups(nint result, nuint* count);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_group_result_error(nint result);

    [LibraryImport(Library)]
    public static partial NativeTopicPartitionList* rd_kafka_group_result_partitions(nint result);
}

/// <summary>rd_kafka_admin_op_t.</summary>
internal enum AdminOperation
{
    CreateTopics = 1,
    DeleteTopics = 2,
    DescribeConfigs = 5,
    DeleteRecords = 6,
    DeleteConsumerGroupOffsets = 8,
    ListConsumerGroups = 12,
    DescribeConsumerGroups = 13,
    ListConsumerGroupOffsets = 14,
    AlterConsumerGroupOffsets = 15,
    DescribeTopics = 19,
    ListOffsets = 21,
}
