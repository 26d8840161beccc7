using System.Diagnostics;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// Writes through this project's own protocol client: records are put into batches on the thread that sends, and
/// <see cref="BatchSender"/> brings them to the brokers.
/// </summary>
internal sealed class WireRecordWriter : IRecordWriter
{
    private static readonly TimeSpan DefaultLinger = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan DefaultTransactionTimeout = TimeSpan.FromMinutes(1);

    private readonly WriterOptions _options;
    private readonly BatchCodec _codec;
    private readonly bool _codecIsGiven;
    private readonly int? _level;
    private readonly TimeSpan _linger;
    private readonly WireConnections _connections;
    private readonly WriterErrors _errors;
    private readonly int _lane;
    private readonly Transaction? _transaction;
    private readonly Deliveries _deliveries;
    private readonly ProduceRequests _requests;
    private readonly BatchSender _sender;
    private readonly Dictionary<int, (TargetLine Line, BatchInProgress Records)> _slots = [];
    private long _queuedBytes;
    private bool _disposed;

    public WireRecordWriter(WireConnections connections, WriterOptions options)
    {
        (_connections, _options) = (connections, options);
        _errors = new WriterErrors(connections);
        var tuning = connections.Produce;
        _codec = Codec(tuning.Compression ?? options.CompressionType);
        _codecIsGiven = tuning.Compression is not null;
        _level = tuning.CompressionLevel;
        _linger = tuning.Linger ?? options.Linger ?? DefaultLinger;
        var cluster = connections.Cluster;
        _transaction = options.TransactionalId is { } id
            ? new Transaction(cluster, id, options.TransactionTimeout ?? DefaultTransactionTimeout, _errors)
            : null;
        _deliveries = new Deliveries(options.StopAtFirstFailure, _transaction, _errors);
        _lane = connections.TakeLane();
        var outcomes = new AttemptOutcomes(_deliveries, cluster, _transaction, _errors);
        var producer = new ProducerIdentity(_deliveries, cluster, outcomes, _transaction, _errors);
        var signal = new SenderSignal(_deliveries.Gate);
        _requests = new ProduceRequests(_deliveries, cluster, _lane, tuning, outcomes, producer, _transaction, _errors, signal);
        _sender = new BatchSender(_deliveries, cluster, outcomes, producer, _requests, _transaction, _errors, signal);
        _sender.Start();
    }

    public int Pending { get; private set; }

    public void Open(TopicPartition partition, int slot, PartitionSequence? sequence = null)
    {
        if (_slots.Count == 0)
        {
            _requests.BeginAnew();
        }

        _slots.Add(slot, (_deliveries.Open(partition, slot, sequence), new BatchInProgress(_options) { Codec = _codec, Level = _level }));
    }

    public void Close(int slot)
    {
        if (_slots.Remove(slot, out var target))
        {
            target.Records.Dispose();
            _deliveries.Close(slot);
        }
    }

    public SendOutcome Send(int slot, in RecordView record, ReadOnlySpan<HeaderSlice> extraHeaders, long tag)
    {
        var (line, records) = _slots[slot];
        RequireUsable();
        var size = BatchInProgress.SizeOf(record, extraHeaders);
        if (_queuedBytes > 0 && _queuedBytes + size > _options.QueuedBytes)
        {
            return SendOutcome.QueueFull;
        }

        if (size > RecordLimit)
        {
            var what = record.Offset >= 0 ? $"The record with offset {record.Offset}" : "A record";
            throw ErrorIds.TargetRefused.With(
                $"{what} is too large to be sent to {line.Partition}.",
                line.Partition,
                "Leave this record out of the restore."
            );
        }

        var now = Stopwatch.GetTimestamp();
        if (!records.Takes(size) || IsDue(records, now))
        {
            Seal(line, records);
        }

        records.Add(record, extraHeaders, tag, size, now);
        Pending++;
        _queuedBytes += size;
        if (records.IsFull || _linger <= TimeSpan.Zero)
        {
            Seal(line, records);
        }

        return SendOutcome.Queued;
    }

    public void Compress(int slot, BatchCodec codec)
    {
        var (line, records) = _slots[slot];
        if (!_codecIsGiven && records.Codec != codec)
        {
            Seal(line, records);
            records.Codec = codec;
        }
    }

    public bool Keeps(in RecordBatch batch) => !_codecIsGiven || batch.Codec == _codec;

    public SendOutcome SendBatch(int slot, in RecordBatch batch, long tag)
    {
        var (line, records) = _slots[slot];
        RequireUsable();
        if (_queuedBytes > 0 && _queuedBytes + batch.Length > _options.QueuedBytes)
        {
            return SendOutcome.QueueFull;
        }

        Seal(line, records);
        var whole = _deliveries.Rent();
        whole.Fill(batch, tag);
        Pending++;
        _queuedBytes += batch.Length;
        _deliveries.Add(line, whole);
        _sender.Wake();
        return SendOutcome.Queued;
    }

    public int Poll(IDeliverySink sink, TimeSpan wait)
    {
        var reports = 0;
        var until = Stopwatch.GetTimestamp() + (long)(wait.TotalSeconds * Stopwatch.Frequency);
        while (true)
        {
            var now = Stopwatch.GetTimestamp();
            var rest = reports > 0 || until <= now ? TimeSpan.Zero : Stopwatch.GetElapsedTime(now, until);
            var taken = _deliveries.TryTake(Shorter(rest, SealDue(now)), out var report);
            if (taken)
            {
                // Something has come: take what else is there, and wait no more.
                until = now;
                reports += HandOut(report, sink);
            }
            else if (rest == TimeSpan.Zero)
            {
                return reports;
            }
        }
    }

    public void Flush()
    {
        foreach (var (line, records) in _slots.Values)
        {
            Seal(line, records);
        }
    }

    public void Purge()
    {
        Flush();
        if (!_deliveries.Purge())
        {
            return;
        }

        if (_transaction is null)
        {
            _sender.Renew();
        }
        else
        {
            _transaction.RequireAbort();
        }
    }

    public async Task InitTransactionsAsync(CancellationToken cancel)
    {
        await Own.InitAsync(cancel).ConfigureAwait(false);
        _sender.Renew();
    }

    public void BeginTransaction() => Own.Begin();

    public Task SendOffsetsAsync(string group, IReadOnlyCollection<GroupOffset> offsets, CancellationToken cancel) =>
        Own.SendOffsetsAsync(group, offsets, cancel);

    public async Task CommitTransactionAsync(CancellationToken cancel)
    {
        if (Pending > 0)
        {
            throw new InvalidOperationException($"{Pending} records have no delivery report yet: poll until none is pending, then commit.");
        }

        await Own.CommitAsync(cancel).ConfigureAwait(false);
        _deliveries.EndTransaction();
    }

    public async Task AbortTransactionAsync(CancellationToken cancel)
    {
        foreach (var (_, records) in _slots.Values)
        {
            records.Clear();
        }

        _deliveries.Hold();
        try
        {
            // A batch that arrives behind the end of its transaction would begin another one.
            await _sender.QuietAsync(cancel).ConfigureAwait(false);
            _deliveries.Drop();
            (Pending, _queuedBytes) = (0, 0);
            if (await Own.AbortAsync(_deliveries.IsInDoubt, cancel).ConfigureAwait(false))
            {
                _sender.Renew();
            }

            _deliveries.EndTransaction();
        }
        finally
        {
            _deliveries.Unhold();
        }
    }

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _deliveries.Close();
        _sender.Dispose();
        foreach (var (_, records) in _slots.Values)
        {
            records.Dispose();
        }

        _connections.GiveBackLane(_lane);
    }

    /// <summary>What Kafka's clients put into one record at most; a batch's length is a 32-bit number.</summary>
    private const long RecordLimit = 1_000_000_000;

    private Transaction Own => _transaction ?? throw new InvalidOperationException("This writer has no transactional id.");

    private void RequireUsable()
    {
        if (_deliveries.Stopped is { } stopped)
        {
            throw stopped;
        }

        if (_transaction is null)
        {
            return;
        }

        if (_transaction.Finished is { } finished)
        {
            throw finished;
        }

        if (_transaction.State != TransactionState.Open)
        {
            throw _transaction.State == TransactionState.MustAbort
                ? _errors.MustAbort()
                : new InvalidOperationException($"No transaction is open: the writer is {_transaction.State}.");
        }
    }

    private bool IsDue(BatchInProgress records, long now) => !records.IsEmpty && Stopwatch.GetElapsedTime(records.Since, now) >= _linger;

    /// <summary>Seals what has waited long enough for its batch to fill.</summary>
    /// <returns>How long the next may still wait.</returns>
    private TimeSpan SealDue(long now)
    {
        var next = TimeSpan.MaxValue;
        foreach (var (line, records) in _slots.Values)
        {
            if (records.IsEmpty)
            {
                continue;
            }

            if (_deliveries.IsStopped || IsDue(records, now))
            {
                Seal(line, records);
            }
            else
            {
                next = Shorter(next, _linger - Stopwatch.GetElapsedTime(records.Since, now));
            }
        }

        return next;
    }

    private void Seal(TargetLine line, BatchInProgress records)
    {
        if (records.IsEmpty)
        {
            return;
        }

        var batch = _deliveries.Rent();
        records.Seal(batch);
        _deliveries.Add(line, batch);
        _sender.Wake();
    }

    private int HandOut(in WriterReport report, IDeliverySink sink)
    {
        if (report.Error is { } error)
        {
            sink.OnProducerFault(error, report.Fatal);
            return 0;
        }

        if (report.Throttled > TimeSpan.Zero)
        {
            sink.OnThrottled(report.Throttled);
            return 0;
        }

        var (slot, batch) = (report.Line!.Slot, report.Batch!);
        var place = 0;
        foreach (var run in batch.Tags)
        {
            for (var i = 0; i < run.Count; i++, place++)
            {
                Pending--;
                if (batch.State == BatchState.Stored)
                {
                    sink.OnDelivered(slot, run.First + i, batch.Offset < 0 ? -1 : batch.Offset + place);
                }
                else
                {
                    sink.OnFailed(slot, run.First + i, batch.RecordFaults?.GetValueOrDefault(place) ?? batch.Fault!);
                }
            }
        }

        _queuedBytes -= batch.QueuedBytes;
        _deliveries.HandedOut(batch);
        return place;
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private static BatchCodec Codec(string name) =>
        name switch
        {
            "none" => BatchCodec.None,
            "gzip" => BatchCodec.Gzip,
            "snappy" => BatchCodec.Snappy,
            "lz4" => BatchCodec.Lz4,
            "zstd" => BatchCodec.Zstd,
            _ => throw ErrorIds.InvalidKafkaOption.With(
                $"kafka_options gives 'compression.type' the value '{name}', which is no codec of Kafka's.",
                "compression.type",
                "Use none, gzip, snappy, lz4 or zstd."
            ),
        };
}
