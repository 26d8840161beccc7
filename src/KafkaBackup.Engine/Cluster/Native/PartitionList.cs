using System.Runtime.InteropServices;
using System.Text;

namespace KafkaBackup.Engine.Cluster.Native;

/// <summary>
/// A list of partitions on its way to the library. Pins commit metadata for as long as it lives: every call that takes a list copies it.
/// </summary>
internal sealed unsafe class PartitionList : IDisposable
{
    private readonly List<nint> _metadata = [];

    public PartitionList(int capacity) => Pointer = LibRdKafka.rd_kafka_topic_partition_list_new(capacity);

    public NativeTopicPartitionList* Pointer { get; private set; }

    public void Add(TopicPartition partition, long offset)
    {
        var element = LibRdKafka.rd_kafka_topic_partition_list_add(Pointer, partition.Topic, partition.Partition);
        element->Offset = offset;
    }

    public void Add(GroupOffset offset)
    {
        var element = LibRdKafka.rd_kafka_topic_partition_list_add(Pointer, offset.Partition.Topic, offset.Partition.Partition);
        element->Offset = offset.Offset;
        if (offset.LeaderEpoch >= 0)
        {
            LibRdKafka.rd_kafka_topic_partition_set_leader_epoch(element, offset.LeaderEpoch);
        }

        var bytes = Encoding.UTF8.GetBytes(offset.Metadata);
        var memory = (byte*)NativeMemory.Alloc((nuint)bytes.Length + 1);
        bytes.CopyTo(new Span<byte>(memory, bytes.Length));
        memory[bytes.Length] = 0;
        _metadata.Add((nint)memory);
        element->Metadata = memory;
        element->MetadataLength = (nuint)bytes.Length;
    }

    public static TopicPartition Name(NativeTopicPartition* element) => new(LibRdKafka.Text(element->Topic), element->Partition);

    public static string Metadata(NativeTopicPartition* element) =>
        element->Metadata is null ? "" : Encoding.UTF8.GetString((byte*)element->Metadata, (int)element->MetadataLength);

    public void Dispose()
    {
        if (Pointer is null)
        {
            return;
        }

        // The library would free the metadata with its own allocator; it is ours.
        for (var i = 0; i < Pointer->Count; i++)
        {
            Pointer->Elements[i].Metadata = null;
            Pointer->Elements[i].MetadataLength = 0;
        }

        foreach (var memory in _metadata)
        {
            NativeMemory.Free((void*)memory);
        }

        _metadata.Clear();
        LibRdKafka.rd_kafka_topic_partition_list_destroy(Pointer);
        Pointer = null;
    }
}
