using System.Runtime.InteropServices;
using KafkaBackup.Engine.Cluster.Native;
using KafkaBackup.Engine.Records;
using ErrorCode = Confluent.Kafka.ErrorCode;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// Reads through the library's batch call: records are handed out where they lie in native memory, without an object each. Partitions are
/// started one by one on a queue of our own, without a consumer group: no coordinator is asked and no right to a group is needed.
/// </summary>
internal sealed unsafe class KafkaRecordReader : IRecordReader
{
    private const int BatchRecords = 4_096;

    /// <summary>
    /// The batch call waits its whole time-out unless its array fills: so it waits only for the first record, and briefly.
    /// </summary>
    private const int WaitMs = 5;

    /// <summary>
    /// What Kafka's own clients say of a record in a format from before there were timestamps; librdkafka says 0, which is a time.
    /// </summary>
    private const long NoTimestamp = -1;

    private readonly KafkaClient _client;
    private readonly TopicHandles _topics;
    private readonly HeaderArray _headers = new();
    private readonly Dictionary<int, Assignment> _bySlot = [];
    private readonly Dictionary<(nint Topic, int Partition), Assignment> _byPartition = [];
    private readonly List<Assignment> _failed = [];
    private readonly ReaderCallbacks _callbacks = new();
    private readonly NativeMessage** _messages;
    private readonly nint _queue;
    private Assignment? _current;
    private long _pollNumber;
    private bool _disposed;

    public KafkaRecordReader(ClientConfiguration configuration, IEngineEvents events, ReaderOptions options)
    {
        try
        {
            _client = KafkaClient.Open(
                configuration,
                events,
                ReaderProperties.Tuning(options),
                ReaderProperties.Promises(options),
                prepare: _callbacks.Prepare
            );
        }
        catch
        {
            _callbacks.Dispose();
            throw;
        }

        _topics = new TopicHandles(_client.Client);
        _queue = LibRdKafka.rd_kafka_queue_new(_client.Client);
        _messages = (NativeMessage**)NativeMemory.Alloc(BatchRecords, (nuint)sizeof(NativeMessage*));
    }

    public void Assign(TopicPartition partition, long offset, int slot)
    {
        if (_bySlot.ContainsKey(slot))
        {
            throw new InvalidOperationException($"Slot {slot} is in use.");
        }

        var topic = _topics.Acquire(partition.Topic);
        if (_byPartition.ContainsKey((topic, partition.Partition)))
        {
            _topics.Release(partition.Topic);
            throw new InvalidOperationException($"{partition} is assigned already.");
        }

        var assignment = new Assignment(partition, offset, slot, topic);
        _bySlot.Add(slot, assignment);
        _byPartition.Add((topic, partition.Partition), assignment);
        assignment.BeginFetching(_queue, offset, _pollNumber);
    }

    public void Remove(int slot)
    {
        if (!_bySlot.Remove(slot, out var assignment))
        {
            return;
        }

        _byPartition.Remove((assignment.Topic, assignment.Partition.Partition));
        if (ReferenceEquals(_current, assignment))
        {
            _current = null;
        }

        if (!assignment.Failed)
        {
            assignment.EndFetching();
        }

        _topics.Release(assignment.Partition.Topic);
        assignment.Dispose();
    }

    public int Poll(IRecordSink sink, int maxRecords = int.MaxValue)
    {
        _pollNumber++;
        var count = Fetch(Math.Clamp(maxRecords, 1, BatchRecords));
        var handedOut = 0;
        var next = 0;
        try
        {
            while (next < count)
            {
                var message = _messages[next++];
                handedOut += HandOut(message, sink) ? 1 : 0;
                LibRdKafka.rd_kafka_message_destroy(message);
            }
        }
        finally
        {
            // Only when a sink breaks its word and throws: the rest still has to be given back.
            for (; next < count; next++)
            {
                LibRdKafka.rd_kafka_message_destroy(_messages[next]);
            }
        }

        HandOutQueueErrors(sink);
        StopFailed();
        HandOutClientErrors(sink);
        if (_callbacks.TakeThrottle() is { Ticks: > 0 } wait)
        {
            sink.OnThrottled(wait);
        }

        return handedOut;
    }

    public long? Position(int slot) => _bySlot.TryGetValue(slot, out var assignment) ? assignment.Position(_client.Client) : null;

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        foreach (var slot in _bySlot.Keys.ToArray())
        {
            Remove(slot);
        }

        LibRdKafka.rd_kafka_queue_destroy(_queue);
        _topics.Dispose();
        _client.Dispose();
        NativeMemory.Free(_messages);
        _callbacks.Dispose();
    }

    private int Fetch(int most)
    {
        var count = (int)LibRdKafka.rd_kafka_consume_batch_queue(_queue, 0, _messages, (nuint)most);
        if (count == 0)
        {
            count = (int)LibRdKafka.rd_kafka_consume_batch_queue(_queue, WaitMs, _messages, 1);
            if (count == 1 && most > 1)
            {
                count += Math.Max(0, (int)LibRdKafka.rd_kafka_consume_batch_queue(_queue, 0, _messages + 1, (nuint)(most - 1)));
            }
        }

        return Math.Max(0, count);
    }

    private bool HandOut(NativeMessage* message, IRecordSink sink)
    {
        var assignment = _current;
        if (assignment is null || assignment.Topic != message->Topic || assignment.Partition.Partition != message->Partition)
        {
            if (!_byPartition.TryGetValue((message->Topic, message->Partition), out assignment))
            {
                return false;
            }

            _current = assignment;
        }

        if (assignment.Failed || assignment.StartedInPoll == _pollNumber)
        {
            return false;
        }

        if (message->Err != 0)
        {
            HandOutError(assignment, message, sink);
            return false;
        }

        assignment.HasArrived = true;
        if (message->Offset < assignment.NextExpected)
        {
            // Nothing is handed out twice, whatever the library gives after a new beginning.
            return false;
        }

        assignment.NextExpected = message->Offset + 1;
        int kind;
        var timestamp = LibRdKafka.rd_kafka_message_timestamp(message, &kind);
        var record = new RecordView
        {
            Offset = message->Offset,
            Timestamp = kind == LibRdKafka.TimestampNone ? NoTimestamp : timestamp,
            TimestampKind = kind switch
            {
                LibRdKafka.TimestampCreate => TimestampKind.CreateTime,
                LibRdKafka.TimestampLogAppend => TimestampKind.LogAppendTime,
                _ => TimestampKind.NotAvailable,
            },
            Key = new ReadOnlySpan<byte>(message->Key, (int)message->KeyLength),
            KeyIsNull = message->Key is null,
            Value = new ReadOnlySpan<byte>(message->Payload, (int)message->PayloadLength),
            ValueIsNull = message->Payload is null,
            Headers = _headers.Read(message),
            LeaderEpoch = LibRdKafka.rd_kafka_message_leader_epoch(message),
        };
        sink.OnRecord(assignment.Slot, in record);
        return true;
    }

    private void HandOutError(Assignment assignment, NativeMessage* message, IRecordSink sink)
    {
        var code = (ErrorCode)message->Err;
        if (code == ErrorCode.Local_PartitionEOF)
        {
            assignment.HasArrived = true;
            sink.OnEnd(assignment.Slot, message->Offset);
            return;
        }

        if (code == ErrorCode.Local_AutoOffsetReset && assignment.IsStale(message->Offset))
        {
            // It is about an earlier assignment, but the library may have stopped this one over it: begin again where it stands.
            assignment.EndFetching();
            assignment.BeginFetching(_queue, assignment.NextExpected, _pollNumber);
            return;
        }

        Fail(assignment, ReadFaults.From(code, message->Offset, LibRdKafka.Text(LibRdKafka.rd_kafka_message_errstr(message))), sink);
    }

    private void Fail(Assignment assignment, ReadFault fault, IRecordSink sink)
    {
        assignment.Failed = true;
        _failed.Add(assignment);
        sink.OnError(assignment.Slot, fault);
    }

    /// <summary>The library would go on with the next batch; a partition with an error must not (rule B16).</summary>
    private void StopFailed()
    {
        foreach (var assignment in _failed)
        {
            // The sink may have removed it, even assigned it again, when it heard of the error.
            if (_bySlot.TryGetValue(assignment.Slot, out var current) && ReferenceEquals(current, assignment))
            {
                assignment.EndFetching();
            }
        }

        _failed.Clear();
    }

    /// <summary>
    /// Errors that the library posts to the queue without a message, such as a topic that has gone; their text begins with the partition.
    /// </summary>
    private void HandOutQueueErrors(IRecordSink sink)
    {
        foreach (var error in _callbacks.Errors)
        {
            var assignment = _bySlot.Values.FirstOrDefault(candidate =>
                error.Text.StartsWith($"{candidate.Partition.Topic} [{candidate.Partition.Partition}]: ", StringComparison.Ordinal)
            );
            if (assignment is null)
            {
                ReportClientError(_client.Note(error), sink);
            }
            else if (!assignment.Failed && assignment.StartedInPoll != _pollNumber)
            {
                Fail(assignment, ReadFaults.From(error.Code, -1, error.Text), sink);
            }
        }

        _callbacks.Errors.Clear();
    }

    private void HandOutClientErrors(IRecordSink sink)
    {
        nint happening;
        while ((happening = LibRdKafka.rd_kafka_queue_poll(_client.MainQueue, 0)) != 0)
        {
            var error = _client.TakeIn(happening);
            LibRdKafka.rd_kafka_event_destroy(happening);
            if (error is { } noted)
            {
                ReportClientError(noted, sink);
            }
        }
    }

    private void ReportClientError(NativeError error, IRecordSink sink)
    {
        if (ReadFaults.OfCluster(error, _client) is { } fault)
        {
            sink.OnClusterFault(fault);
        }
    }
}
