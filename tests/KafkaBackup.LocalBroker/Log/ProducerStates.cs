namespace KafkaBackup.LocalBroker.Log;

/// <summary>What a partition knows of its producers: sequence numbers, open transactions, and which ranges were aborted.</summary>
internal sealed class ProducerStates
{
    private const int RememberedBatches = 5;

    private readonly Dictionary<long, Producer> _producers = [];
    private readonly SortedDictionary<long, long> _openByFirstOffset = [];
    private readonly List<AbortedTransaction> _aborted = [];

    public long? FirstOpenOffset => _openByFirstOffset.Count == 0 ? null : _openByFirstOffset.First().Key;

    public IReadOnlyList<AbortedTransaction> Aborted => _aborted;

    public IEnumerable<ProducerSnapshot> Snapshot() =>
        _producers.Select(p => new ProducerSnapshot(
            p.Key,
            p.Value.Epoch,
            p.Value.LastSequence,
            p.Value.LastTimestamp,
            p.Value.OpenSince ?? -1
        ));

    /// <summary>Decides over a batch before it is appended. A duplicate answers with the offset of the first arrival.</summary>
    public (ErrorCode Error, long? DuplicateOf) Check(in BatchHeader batch)
    {
        if (!batch.HasProducer || !_producers.TryGetValue(batch.ProducerId, out var producer))
            return (ErrorCode.None, null);
        if (batch.ProducerEpoch < producer.Epoch)
            return (ErrorCode.InvalidProducerEpoch, null);
        if (batch.BaseSequence < 0)
            return (ErrorCode.None, null);
        if (batch.ProducerEpoch > producer.Epoch)
            return (batch.BaseSequence == 0 ? ErrorCode.None : ErrorCode.OutOfOrderSequenceNumber, null);

        foreach (var seen in producer.Recent)
        {
            if (seen.FirstSequence == batch.BaseSequence && seen.LastSequence == batch.LastSequence)
                return (ErrorCode.None, seen.BaseOffset);
        }

        var expected = producer.LastSequence == int.MaxValue ? 0 : producer.LastSequence + 1;
        return (batch.BaseSequence == expected ? ErrorCode.None : ErrorCode.OutOfOrderSequenceNumber, null);
    }

    public void Appended(in BatchHeader batch)
    {
        if (!batch.HasProducer || batch.IsControl)
            return;
        var producer = Enter(batch.ProducerId, batch.ProducerEpoch);
        producer.LastTimestamp = batch.MaxTimestamp;
        if (batch.BaseSequence >= 0)
        {
            producer.LastSequence = batch.LastSequence;
            producer.Recent.Enqueue(new SeenBatch(batch.BaseSequence, batch.LastSequence, batch.BaseOffset));
            if (producer.Recent.Count > RememberedBatches)
                producer.Recent.Dequeue();
        }

        if (batch.IsTransactional && producer.OpenSince is null)
        {
            producer.OpenSince = batch.BaseOffset;
            _openByFirstOffset[batch.BaseOffset] = batch.ProducerId;
        }
    }

    public void Ended(long producerId, short epoch, bool commit, long markerOffset)
    {
        var producer = Enter(producerId, epoch);
        if (producer.OpenSince is not { } first)
            return;
        producer.OpenSince = null;
        _openByFirstOffset.Remove(first);
        if (!commit)
            _aborted.Add(new AbortedTransaction(producerId, first, markerOffset));
    }

    /// <summary>Forgets the transactions that lie wholly before the log start.</summary>
    public void Forget(long logStart) => _aborted.RemoveAll(a => a.LastOffset < logStart);

    public void Clear()
    {
        _producers.Clear();
        _openByFirstOffset.Clear();
        _aborted.Clear();
    }

    private Producer Enter(long producerId, short epoch)
    {
        if (!_producers.TryGetValue(producerId, out var producer))
            _producers[producerId] = producer = new Producer { Epoch = epoch };
        if (epoch > producer.Epoch)
        {
            producer.Epoch = epoch;
            producer.LastSequence = -1;
            producer.Recent.Clear();
        }

        return producer;
    }

    private sealed class Producer
    {
        public short Epoch { get; set; }

        public int LastSequence { get; set; } = -1;

        public long LastTimestamp { get; set; } = -1;

        public long? OpenSince { get; set; }

        public Queue<SeenBatch> Recent { get; } = new();
    }

    private readonly record struct SeenBatch(int FirstSequence, int LastSequence, long BaseOffset);
}

/// <summary>A transaction whose records a read_committed consumer has to skip, up to and including its marker.</summary>
internal readonly record struct AbortedTransaction(long ProducerId, long FirstOffset, long LastOffset)
{
    public bool Covers(long producerId, long offset) => producerId == ProducerId && FirstOffset <= offset && offset <= LastOffset;
}

internal readonly record struct ProducerSnapshot(long ProducerId, short Epoch, int LastSequence, long LastTimestamp, long OpenSince);
