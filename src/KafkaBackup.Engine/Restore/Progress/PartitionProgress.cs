namespace KafkaBackup.Engine.Restore;

/// <summary>
/// How far one target partition is: the first <see cref="Done"/> records of its plan are in the target, and where they are. Written by the
/// partition's own thread; others read the counters.
/// </summary>
internal sealed class PartitionProgress
{
    /// <summary>A few megabytes in a checkpoint; without holes in the source it is enough for two thousand million records.</summary>
    private const int MostRangesKept = 100_000;

    private readonly object _gate = new();
    private readonly long[] _bytesBySource;
    private readonly long[] _restoredTo;
    private OffsetMap[] _maps;
    private long _done;
    private long _bytes;
    private volatile bool _hasBegun;

    /// <summary>One whose turn has not come: its lane finds out where it goes on.</summary>
    public PartitionProgress(TargetWork work)
    {
        Work = work;
        _bytesBySource = new long[work.Sources.Count];
        _restoredTo = new long[work.Sources.Count];
        _maps = work.Sources.Select(_ => new OffsetMap()).ToArray();
        Array.Fill(_restoredTo, -1);
    }

    public PartitionProgress(TargetWork work, long start, long done, IReadOnlyList<OffsetMap>? maps = null, TargetSequence? sequence = null)
        : this(work) => Begin(start, done, maps, sequence);

    public TargetWork Work { get; }

    /// <summary>The target's log end before the first record was written.</summary>
    public long Start { get; private set; }

    /// <summary>In idempotent mode.</summary>
    public TargetSequence? Sequence { get; private set; }

    /// <summary>Records that were in the target already when this run began.</summary>
    public long Resumed { get; private set; }

    public long Done => Volatile.Read(ref _done);

    /// <summary>Brought over by this run.</summary>
    public long Records => Done - Resumed;

    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Batches of the backup that this run sent as they are.</summary>
    public long BatchesKept { get; private set; }

    /// <summary>Batches of the backup whose records this run put into new ones.</summary>
    public long BatchesRebuilt { get; private set; }

    /// <summary>Whether it is known where this partition begins or goes on.</summary>
    public bool HasBegun => _hasBegun;

    public bool IsComplete => HasBegun && Done == Work.RecordCount;

    /// <summary>One map per source of the plan.</summary>
    public IReadOnlyList<OffsetMap> Maps => _maps;

    /// <summary>Of one source, in this run.</summary>
    public long BytesOf(int source) => _bytesBySource[source];

    /// <summary>The source offset of the last record of that source that is in the target; -1 for none.</summary>
    public long RestoredTo(int source) => Volatile.Read(ref _restoredTo[source]);

    /// <summary>What is sent from here on is part of this sequence.</summary>
    public void GoOnWith(TargetSequence sequence) => Sequence = sequence;

    public void Begin(long start, long done, IReadOnlyList<OffsetMap>? maps = null, TargetSequence? sequence = null)
    {
        lock (_gate)
        {
            _maps = maps?.ToArray() ?? _maps;
            for (var i = 0; i < _maps.Length; i++)
            {
                _restoredTo[i] = _maps[i].IsEmpty ? -1 : _maps[i].Ranges[^1].SourceStart + _maps[i].Ranges[^1].Length - 1;
            }

            (Start, Resumed, Sequence) = (start, done, sequence);
            Volatile.Write(ref _done, done);
            _hasBegun = true;
        }
    }

    /// <summary>Takes a whole transaction's records: who asks for the maps meanwhile gets all of them or none.</summary>
    public void Take(Queue<(SentRecords Sent, long TargetOffset)> records)
    {
        lock (_gate)
        {
            while (records.TryDequeue(out var record))
            {
                Take(record.Sent, record.TargetOffset);
            }
        }
    }

    /// <summary>
    /// Each source's ranges as numbers in threes, for a checkpoint; null when they are too many to be written again and again, or the
    /// places of records that were deleted since are not known. For those who take whole transactions.
    /// </summary>
    public IReadOnlyList<long[]>? MapsToKeep()
    {
        lock (_gate)
        {
            return _maps.Sum(m => (long)m.Ranges.Count) > MostRangesKept || _maps.Sum(m => m.Records) != Done
                ? null
                : _maps.Select(m => m.Ranges.SelectMany(r => (long[])[r.SourceStart, r.TargetStart, r.Length]).ToArray()).ToArray();
        }
    }

    public void Take(in SentRecords sent, long targetOffset)
    {
        _maps[sent.Source].Add(sent.SourceOffset, targetOffset, sent.Count);
        _bytesBySource[sent.Source] += sent.Bytes;
        BatchesKept += sent.Fate == BatchFate.Kept ? 1 : 0;
        BatchesRebuilt += sent.Fate == BatchFate.Rebuilt ? 1 : 0;
        Volatile.Write(ref _restoredTo[sent.Source], sent.SourceOffset + sent.Count - 1);
        Volatile.Write(ref _bytes, _bytes + sent.Bytes);
        Volatile.Write(ref _done, _done + sent.Count);
    }
}
