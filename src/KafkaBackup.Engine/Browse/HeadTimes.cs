using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Browse;

/// <summary>
/// The time of each partition's newest record, many partitions at once. The last offset may be a marker or compacted away: then it goes
/// back, further each time. Uncommitted records count: this is about what producers do.
/// </summary>
internal sealed class HeadTimes : IRecordSink
{
    private const int AtOnce = 128;
    private const int FirstStep = 1;
    private const int Widening = 32;

    /// <summary>
    /// Without anything new for this long the heads still missing are left unknown: a leader may be away, and nobody should wait for a
    /// figure.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Search?[] _searches = new Search?[AtOnce];
    private bool _moved;

    /// <param name="cluster">Where they live.</param>
    /// <param name="logs">Start and end of each.</param>
    /// <returns>Without those that hold no record, or could not be read.</returns>
    public static Task<IReadOnlyDictionary<TopicPartition, long>> ReadAsync(
        IKafkaCluster cluster,
        IReadOnlyDictionary<TopicPartition, (long Start, long End)> logs,
        TimeProvider clock,
        CancellationToken cancel
    ) =>
        Task.Factory.StartNew<IReadOnlyDictionary<TopicPartition, long>>(
            () => new HeadTimes().Read(cluster, logs, clock, cancel),
            cancel,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );

    void IRecordSink.OnRecord(int slot, in RecordView record)
    {
        _moved = true;
        if (_searches[slot] is { } search && record.Offset < search.To)
        {
            search.Found = record.Timestamp;
            search.Reached |= record.Offset + 1 >= search.To;
        }
        else if (_searches[slot] is { } past)
        {
            past.Reached = true;
        }
    }

    void IRecordSink.OnEnd(int slot, long offset)
    {
        if (_searches[slot] is { } search)
        {
            search.Reached |= offset >= search.To;
        }
    }

    void IRecordSink.OnError(int slot, ReadFault fault)
    {
        if (_searches[slot] is { } search)
        {
            search.GivenUp = true;
        }
    }

    void IRecordSink.OnClusterFault(KafkaBackupException error)
    {
        // The reader goes on trying; our patience decides.
    }

    private Dictionary<TopicPartition, long> Read(
        IKafkaCluster cluster,
        IReadOnlyDictionary<TopicPartition, (long Start, long End)> logs,
        TimeProvider clock,
        CancellationToken cancel
    )
    {
        var heads = new Dictionary<TopicPartition, long>();
        var waiting = new Queue<Search>(
            logs.Where(l => l.Value.Start < l.Value.End).Select(l => new Search(l.Key, l.Value.Start, l.Value.End))
        );
        var open = 0;
        using var reader = cluster.OpenReader(
            new ReaderOptions(IsolationLevel.ReadUncommitted, QueuedBytes: 8 << 20, FetchBytes: 256 << 10)
        );
        var movedAt = clock.GetTimestamp();
        while ((waiting.Count > 0 || open > 0) && clock.GetElapsedTime(movedAt) < Patience)
        {
            cancel.ThrowIfCancellationRequested();
            for (var slot = 0; slot < AtOnce; slot++)
            {
                if (_searches[slot] is null && waiting.TryDequeue(out var next))
                {
                    _searches[slot] = next;
                    reader.Assign(next.Id, next.From, slot);
                    open++;
                }
            }

            reader.Poll(this);
            for (var slot = 0; slot < AtOnce; slot++)
            {
                if (_searches[slot] is { } search && (search.GivenUp || search.Reached || reader.Position(slot) >= search.To))
                {
                    reader.Remove(slot);
                    _searches[slot] = null;
                    open--;
                    _moved = true;
                    if (search.Found is { } time)
                    {
                        heads[search.Id] = time;
                    }
                    else if (!search.GivenUp && search.GoBack())
                    {
                        waiting.Enqueue(search);
                    }
                }
            }

            if (_moved)
            {
                _moved = false;
                movedAt = clock.GetTimestamp();
            }
        }

        return heads;
    }

    private sealed class Search(TopicPartition id, long start, long end)
    {
        private long _step = FirstStep;

        public TopicPartition Id => id;

        public long From { get; private set; } = Math.Max(start, end - FirstStep);

        public long To { get; private set; } = end;

        public long? Found { get; set; }

        public bool Reached { get; set; }

        public bool GivenUp { get; set; }

        /// <summary>False at the log's start.</summary>
        public bool GoBack()
        {
            if (From <= start)
            {
                return false;
            }

            _step *= Widening;
            To = From;
            From = Math.Max(start, To - _step);
            Reached = false;
            return true;
        }
    }
}
