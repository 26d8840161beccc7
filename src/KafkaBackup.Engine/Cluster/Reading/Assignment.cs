using KafkaBackup.Engine.Cluster.Native;

namespace KafkaBackup.Engine.Cluster;

/// <summary>One partition that a reader reads, from Assign to Remove.</summary>
internal sealed unsafe class Assignment : IDisposable
{
    private readonly PartitionList _position = new(1);

    public Assignment(TopicPartition partition, long start, int slot, nint topic)
    {
        Partition = partition;
        Start = start;
        Slot = slot;
        Topic = topic;
        NextExpected = start;
        _position.Add(partition, LibRdKafka.OffsetInvalid);
    }

    public TopicPartition Partition { get; }

    public int Slot { get; }

    public nint Topic { get; }

    /// <summary>
    /// The poll in which the library was told to begin, last: the batch being handed out then holds only what was fetched before, which is
    /// outdated.
    /// </summary>
    public long StartedInPoll { get; private set; }

    /// <summary>Where the library was told to begin, last.</summary>
    public long Start { get; private set; }

    /// <summary>One past the last record handed out.</summary>
    public long NextExpected { get; set; }

    /// <summary>Something of this assignment has arrived since it was started.</summary>
    public bool HasArrived { get; set; }

    /// <summary>An error has ended it; nothing more is handed out.</summary>
    public bool Failed { get; set; }

    /// <summary>
    /// An out-of-range error at this offset is about an earlier assignment: such errors carry no version in the library, so one can come
    /// late (rule B16).
    /// </summary>
    public bool IsStale(long offset) => offset >= 0 && (HasArrived ? offset < NextExpected : offset != Start);

    /// <summary>
    /// Asks the library: moves over control and aborted records, which are never handed out. Null before anything has arrived.
    /// </summary>
    public long? Position(nint client)
    {
        if (Failed)
        {
            return NextExpected;
        }

        _ = LibRdKafka.rd_kafka_position(client, _position.Pointer);
        var offset = _position.Pointer->Elements[0].Offset;
        return offset < 0 ? null : offset;
    }

    public void BeginFetching(nint queue, long offset, long pollNumber)
    {
        Start = offset;
        StartedInPoll = pollNumber;
        HasArrived = false;
        if (LibRdKafka.rd_kafka_consume_start_queue(Topic, Partition.Partition, offset, queue) != 0)
        {
            var error = NativeError.From(LibRdKafka.rd_kafka_last_error());
            throw ErrorIds.PartitionRead.With($"Reading {Partition} from offset {offset} could not be started: {error.Text}", Partition);
        }
    }

    /// <summary>Returns when the library has stopped; what it had fetched before is outdated and never comes out of the queue.</summary>
    public void EndFetching() => _ = LibRdKafka.rd_kafka_consume_stop(Topic, Partition.Partition);

    public void Dispose() => _position.Dispose();
}
