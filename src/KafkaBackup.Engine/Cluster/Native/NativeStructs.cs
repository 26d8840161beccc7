using System.Runtime.InteropServices;

namespace KafkaBackup.Engine.Cluster.Native;

/// <summary>rd_kafka_topic_partition_t.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeTopicPartition
{
    public byte* Topic;
    public int Partition;
    public long Offset;
    public void* Metadata;
    public nuint MetadataLength;
    public nint Opaque;
    public int Err;
    public nint Private;
}

/// <summary>rd_kafka_topic_partition_list_t.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeTopicPartitionList
{
    public int Count;
    public int Size;
    public NativeTopicPartition* Elements;
}

/// <summary>rd_kafka_metadata_t.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeMetadata
{
    public int BrokerCount;
    public NativeMetadataBroker* Brokers;
    public int TopicCount;
    public NativeMetadataTopic* Topics;
    public int OriginBrokerId;
    public byte* OriginBrokerName;
}

/// <summary>rd_kafka_metadata_broker_t.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeMetadataBroker
{
    public int Id;
    public byte* Host;
    public int Port;
}

/// <summary>rd_kafka_metadata_topic_t.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeMetadataTopic
{
    public byte* Name;
    public int PartitionCount;
    public NativeMetadataPartition* Partitions;
    public int Err;
}

/// <summary>rd_kafka_metadata_partition_t.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeMetadataPartition
{
    public int Id;
    public int Err;
    public int Leader;
    public int ReplicaCount;
    public int* Replicas;
    public int InSyncCount;
    public int* InSync;
}
