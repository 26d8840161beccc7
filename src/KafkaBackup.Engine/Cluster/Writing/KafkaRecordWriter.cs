using System.Runtime.InteropServices;
using KafkaBackup.Engine.Cluster.Native;
using KafkaBackup.Engine.Records;
using ErrorCode = Confluent.Kafka.ErrorCode;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// Writes through the library's produce call with explicit lengths, and takes delivery reports a batch at a time from its event queue.
/// </summary>
internal sealed unsafe class KafkaRecordWriter : IRecordWriter
{
    private const int ReportsPerRead = 1_024;

    /// <summary>The call only has an effect on threads of the library that wake up while it lasts.</summary>
    private const int FlushMs = 1;

    private readonly KafkaClient _client;
    private readonly TopicHandles _topics;
    private readonly TransactionCalls _transactions;
    private readonly ProduceArguments _arguments = new();
    private readonly Dictionary<int, Target> _bySlot = [];
    private readonly Dictionary<(nint Topic, int Partition), int> _slots = [];
    private readonly NativeMessage** _messages;
    private bool _fatalReported;
    private bool _disposed;

    public KafkaRecordWriter(ClientConfiguration configuration, IEngineEvents events, WriterOptions options)
    {
        _client = KafkaClient.Open(
            ClientKind.Producer,
            configuration,
            events,
            WriterProperties.Tuning(options),
            WriterProperties.Promises(options),
            LibRdKafka.EventDeliveryReport
        );
        _topics = new TopicHandles(_client.Client);
        _transactions = new TransactionCalls(_client);
        _messages = (NativeMessage**)NativeMemory.Alloc(ReportsPerRead, (nuint)sizeof(NativeMessage*));
    }

    public int Pending { get; private set; }

    public void Open(TopicPartition partition, int slot)
    {
        var topic = _topics.Acquire(partition.Topic);
        _bySlot.Add(slot, new Target(partition, topic));
        _slots[(topic, partition.Partition)] = slot;
    }

    public void Close(int slot)
    {
        if (_bySlot.Remove(slot, out var target))
        {
            _slots.Remove((target.Topic, target.Partition.Partition));
            _topics.Release(target.Partition.Topic);
        }
    }

    public SendOutcome Send(int slot, in RecordView record, ReadOnlySpan<HeaderSlice> extraHeaders, long tag)
    {
        var target = _bySlot[slot];
        var error = _arguments.Produce(_client.Client, target.Topic, target.Partition.Partition, in record, extraHeaders, tag);
        if (error == 0)
        {
            Pending++;
            return SendOutcome.Queued;
        }

        var failed = NativeError.Take(error)!.Value;
        return failed.Code == ErrorCode.Local_QueueFull ? SendOutcome.QueueFull : throw CannotSend(failed, target.Partition, record.Offset);
    }

    public int Poll(IDeliverySink sink, TimeSpan wait)
    {
        if (_fatalReported && Pending > 0)
        {
            // Nothing is sent any more. A record that was on its way from one queue of the library to another when it failed, or
            // that came back to be tried again, would keep its report until its five minutes are over; each look takes what it finds.
            _ = LibRdKafka.rd_kafka_purge(_client.Client, LibRdKafka.PurgeQueue);
        }

        var reports = 0;
        var timeout = (int)Math.Min(wait.TotalMilliseconds, int.MaxValue);
        nint happening;
        while ((happening = LibRdKafka.rd_kafka_queue_poll(_client.MainQueue, timeout)) != 0)
        {
            if (LibRdKafka.rd_kafka_event_type(happening) == LibRdKafka.EventDeliveryReport)
            {
                reports += HandOut(happening, sink);
            }
            else if (_client.TakeIn(happening) is { } error)
            {
                ReportFault(error, sink);
            }

            LibRdKafka.rd_kafka_event_destroy(happening);

            // Something has come: take what else is there, and wait no more.
            timeout = 0;
        }

        return reports;
    }

    public void Flush() => _ = LibRdKafka.rd_kafka_flush(_client.Client, FlushMs);

    public void Purge() => _ = LibRdKafka.rd_kafka_purge(_client.Client, LibRdKafka.PurgeQueue | LibRdKafka.PurgeInFlight);

    public Task InitTransactionsAsync(CancellationToken cancel) => _transactions.InitAsync(cancel);

    public void BeginTransaction() => _transactions.Begin();

    public Task SendOffsetsAsync(string group, IReadOnlyCollection<GroupOffset> offsets, CancellationToken cancel) =>
        _transactions.SendOffsetsAsync(group, offsets, cancel);

    public Task CommitTransactionAsync(CancellationToken cancel) =>
        Pending > 0
            ? throw new InvalidOperationException(
                $"{Pending} records have no delivery report yet: poll until none is pending, then commit."
            )
            : _transactions.CommitAsync(cancel);

    public Task AbortTransactionAsync(CancellationToken cancel) => _transactions.AbortAsync(() => Pending = 0, cancel);

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        Purge();
        _topics.Dispose();
        _client.Dispose();
        _arguments.Dispose();
        NativeMemory.Free(_messages);
    }

    private int HandOut(nint happening, IDeliverySink sink)
    {
        var total = 0;
        int count;
        while ((count = (int)LibRdKafka.rd_kafka_event_message_array(happening, _messages, ReportsPerRead)) > 0)
        {
            total += count;
            for (var i = 0; i < count; i++)
            {
                Pending--;
                HandOut(_messages[i], sink);
            }
        }

        return total;
    }

    private void HandOut(NativeMessage* message, IDeliverySink sink)
    {
        var slot = _slots[(message->Topic, message->Partition)];
        if (message->Err == 0)
        {
            sink.OnDelivered(slot, message->Opaque, message->Offset < 0 ? -1 : message->Offset);
        }
        else
        {
            sink.OnFailed(slot, message->Opaque, WriteFaults.From((ErrorCode)message->Err, LibRdKafka.rd_kafka_message_status(message)));
        }
    }

    private void ReportFault(NativeError error, IDeliverySink sink)
    {
        if (error.IsFatal)
        {
            if (!_fatalReported)
            {
                _fatalReported = true;

                sink.OnProducerFault(_transactions.Fatal(error), fatal: true);
            }
        }
        else if (error.Code == ErrorCode.Local_AllBrokersDown || KafkaErrors.IsDefinitive(error))
        {
            sink.OnProducerFault(KafkaErrors.Connection(_client.Faults.MostTelling ?? error, _client.Address), fatal: false);
        }
        else if (error.Code is ErrorCode.ClusterAuthorizationFailed or ErrorCode.TransactionalIdAuthorizationFailed)
        {
            sink.OnProducerFault(KafkaErrors.Request(error, "Writing", _client.Address, _client.Address), fatal: false);
        }
    }

    private Exception CannotSend(NativeError error, TopicPartition partition, long offset)
    {
        if (_client.FatalError() is { } fatal)
        {
            return _transactions.Fatal(fatal);
        }

        var what = offset >= 0 ? $"The record with offset {offset}" : "A record";
        return error.Code switch
        {
            ErrorCode.Local_State => _transactions.Classify(error, "Writing"),
            ErrorCode.MsgSizeTooLarge => ErrorIds.TargetRefused.With(
                $"{what} is too large for the client library to send to {partition}.",
                partition,
                "Leave this record out of the restore."
            ),
            _ => ErrorIds.TargetRefused.With($"{what} cannot be sent to {partition}: {error.Text} ({error.Name}).", partition),
        };
    }

    private sealed record Target(TopicPartition Partition, nint Topic);
}
