using System.Runtime.InteropServices;

namespace KafkaBackup.Engine.Cluster.Native;

/// <summary>
/// librdkafka's C interface, under its own names so that its documentation applies: client, queues, errors and lists. The library is
/// found beside the assembly, under runtimes/, or through the AssemblyLoadContext; <see cref="LibraryVariants"/> has the builds that are
/// tried.
/// </summary>
internal static unsafe partial class LibRdKafka
{
    public const string Library = "librdkafka";

    public const int ClientTypeConsumer = 1;

    public const int ConfUnknown = -2;
    public const int ConfOk = 0;

    public const int EventLog = 0x4;
    public const int EventError = 0x8;

    /// <summary>RD_KAFKA_OFFSET_INVALID: no position yet.</summary>
    public const long OffsetInvalid = -1001;

    static LibRdKafka() => LibraryVariants.Register();

    [LibraryImport(Library)]
    public static partial int rd_kafka_version();

    [LibraryImport(Library)]
    public static partial byte* rd_kafka_err2str(int err);

    [LibraryImport(Library)]
    public static partial byte* rd_kafka_err2name(int err);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_conf_new();

    [LibraryImport(Library)]
    public static partial void rd_kafka_conf_destroy(nint conf);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int rd_kafka_conf_set(nint conf, string name, string value, byte* error, nuint errorSize);

    [LibraryImport(Library)]
    public static partial void rd_kafka_conf_set_events(nint conf, int events);

    /// <summary>Takes the configuration over when it succeeds.</summary>
    [LibraryImport(Library)]
    public static partial nint rd_kafka_new(int type, nint conf, byte* error, nuint errorSize);

    [LibraryImport(Library)]
    public static partial void rd_kafka_destroy_flags(nint client, int flags);

    [LibraryImport(Library)]
    public static partial int rd_kafka_set_log_queue(nint client, nint queue);

    /// <summary>Lets the library's own thread fetch OAuth tokens.</summary>
    [LibraryImport(Library)]
    public static partial nint rd_kafka_sasl_background_callbacks_enable(nint client);

    [LibraryImport(Library)]
    public static partial void rd_kafka_mem_free(nint client, void* pointer);

    [LibraryImport(Library)]
    public static partial byte* rd_kafka_clusterid(nint client, int timeoutMs);

    [LibraryImport(Library)]
    public static partial int rd_kafka_metadata(nint client, int allTopics, nint onlyTopic, NativeMetadata** metadata, int timeoutMs);

    [LibraryImport(Library)]
    public static partial void rd_kafka_metadata_destroy(NativeMetadata* metadata);

    // Queues and events

    [LibraryImport(Library)]
    public static partial nint rd_kafka_queue_new(nint client);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_queue_get_main(nint client);

    [LibraryImport(Library)]
    public static partial void rd_kafka_queue_destroy(nint queue);

    [LibraryImport(Library)]
    public static partial nint rd_kafka_queue_poll(nint queue, int timeoutMs);

    [LibraryImport(Library)]
    public static partial int rd_kafka_event_type(nint happening);

    [LibraryImport(Library)]
    public static partial int rd_kafka_event_error(nint happening);

    [LibraryImport(Library)]
    public static partial byte* rd_kafka_event_error_string(nint happening);

    [LibraryImport(Library)]
    public static partial int rd_kafka_event_log(nint happening, byte** facility, byte** text, int* level);

    [LibraryImport(Library)]
    public static partial void rd_kafka_event_destroy(nint happening);

    // Errors as objects

    [LibraryImport(Library)]
    public static partial int rd_kafka_error_code(nint error);

    [LibraryImport(Library)]
    public static partial byte* rd_kafka_error_string(nint error);

    [LibraryImport(Library)]
    public static partial void rd_kafka_error_destroy(nint error);

    // Lists of partitions

    [LibraryImport(Library)]
    public static partial NativeTopicPartitionList* rd_kafka_topic_partition_list_new(int size);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial NativeTopicPartition* rd_kafka_topic_partition_list_add(
        NativeTopicPartitionList* list,
        string topic,
        int partition
    );

    [LibraryImport(Library)]
    public static partial void rd_kafka_topic_partition_list_destroy(NativeTopicPartitionList* list);

    [LibraryImport(Library)]
    public static partial int rd_kafka_topic_partition_get_leader_epoch(NativeTopicPartition* partition);

    [LibraryImport(Library)]
    public static partial void rd_kafka_topic_partition_set_leader_epoch(NativeTopicPartition* partition, int leaderEpoch);

    /// <summary>Text that the library owns.</summary>
    public static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    /// <summary>What the library calls an error: text for people, and the name that its documentation uses.</summary>
    public static string ErrorText(int err) => Text(rd_kafka_err2str(err));

    public static string ErrorName(int err) => Text(rd_kafka_err2name(err));
}
