using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Backup;

/// <summary>What the readings of one pass share.</summary>
/// <param name="Pool">Memory of all blocks.</param>
/// <param name="Probe">Looks into the few batches of which single records count.</param>
/// <param name="Headers">Set when offset headers are to be stored with each record.</param>
/// <param name="MemoryShort">Asks all readings to hand on what they hold, before one of them waits for memory.</param>
/// <param name="Abort">Ends that wait, when nothing could be stored any more anyway.</param>
internal sealed record ReadingScope(
    BlockBufferPool Pool,
    BatchProbe Probe,
    long SegmentMaxBytes,
    long? SegmentMaxRecords,
    OffsetHeaders? Headers,
    Action MemoryShort,
    CancellationToken Abort
);

/// <summary>
/// One partition while it is read: decides of each batch which of its offsets belong to the backup, fills blocks, and knows when the end is
/// reached. Lives on the reader thread.
/// </summary>
internal sealed class PartitionReading(PartitionWork work, SegmentPipeline line, ReadingScope scope) : IDisposable
{
    private readonly BatchBlockBuilder _builder = new(scope.Pool);
    private LastRecord? _verify = work.Verify;
    private long _seenTo;
    private long _segmentRecords;
    private long _segmentBytes;
    private bool _segmentOpen;
    private bool _gaveUp;

    public PartitionWork Work => work;

    public SegmentPipeline Line => line;

    /// <summary>Every record below it that exists is with us.</summary>
    public long Next { get; private set; } = work.ReadFrom;

    /// <summary>Where the cluster is to be read from: our last record first, when it has to be met again.</summary>
    public long Position => _verify is { } last ? last.Offset : Next;

    public bool ReachedEnd { get; private set; } = work.Verify is null && work.ReadFrom >= work.CountTo;

    public KafkaBackupException? Failure { get; private set; }

    /// <summary>Those that were read; what came of them, the line knows.</summary>
    public long Records { get; private set; }

    public long LateRecords { get; private set; }

    /// <summary>Anything at all has happened since this was last cleared.</summary>
    public bool Moved { get; set; }

    public bool IsOver => ReachedEnd || Failure is not null;

    public void OnBatch(in RecordBatch batch)
    {
        if (IsOver || _gaveUp)
        {
            return;
        }

        try
        {
            if (_verify is { } last && !MeetsAgain(last, batch))
            {
                return;
            }

            // A batch that was given before is no progress: it would keep a partition that gives nothing else from being given up.
            if (batch.NextOffset > _seenTo)
            {
                _seenTo = batch.NextOffset;
                Moved = true;
                Divide(batch);
            }
        }
        catch (BatchDamagedException damage)
        {
            Fail(LogInspection.Damaged(work.Id, Math.Max(Next, batch.BaseOffset), damage.Message));
        }
    }

    /// <summary>The reader says where it stands: past aborted batches and markers, which are never handed out (rule B3).</summary>
    public void OnPosition(long position)
    {
        if (IsOver || _gaveUp)
        {
            return;
        }

        if (_verify is { } last && position > last.Offset)
        {
            NotMetAgain(last);
        }

        ReachedEnd = Failure is null && position >= work.CountTo;
    }

    /// <summary>The source lost [Next, to) before it could be read (rule B5).</summary>
    public void SkipTo(long to)
    {
        _verify = null;
        Next = to;
        ReachedEnd = Next >= work.CountTo;
    }

    /// <summary>The log may have changed below us: our newest stored record has to be met again before anything more is taken.</summary>
    public void MeetAgain(LastRecord last) => _verify = last;

    public void Fail(KafkaBackupException error) => Failure ??= error;

    /// <summary>Ends the open segment, so that a commit can name what was read so far.</summary>
    public void CloseSegment()
    {
        HandOn(mayBeLast: true);
        if (_segmentOpen)
        {
            line.Close();
        }

        _segmentOpen = false;
        _segmentRecords = 0;
        _segmentBytes = 0;
    }

    /// <summary>Hands the open block on although it is not full, so that its memory comes back.</summary>
    public void HandOn(bool mayBeLast)
    {
        if (!_builder.IsEmpty)
        {
            _segmentBytes += _builder.RawLength;
            _segmentOpen = true;
            line.Add(_builder.Seal(), mayBeLast);
        }
    }

    public void Dispose() => _builder.Dispose();

    /// <summary>What is new and below the end is taken; what a consistent cut leaves behind it is counted (rule B9).</summary>
    private void Divide(in RecordBatch batch)
    {
        var from = Math.Max(Next, batch.BaseOffset);
        var to = Math.Min(work.StoreTo, batch.NextOffset);
        if (from < to)
        {
            Take(batch, from, to);
        }

        if (work.CutAtMs is { } cut && batch.NextOffset > work.StoreTo && batch.BaseOffset < work.CountTo)
        {
            LateRecords += scope.Probe.Count(batch, work.StoreTo, work.CountTo, cut);
        }

        ReachedEnd = !_gaveUp && batch.NextOffset >= work.CountTo;
    }

    /// <summary>The batch is kept whole; the offsets say what counts of it (rule L1).</summary>
    private void Take(in RecordBatch batch, long from, long to)
    {
        var records = scope.Probe.Count(batch, from, to);
        if (records > 0 && !TryPut(scope.Headers is null ? batch : scope.Headers.With(batch), from, to))
        {
            // From here on a later batch must not be taken either: it would hide the hole.
            _gaveUp = true;
            return;
        }

        Next = to;
        Records += records;
        _segmentRecords += records;
        if (_segmentRecords >= scope.SegmentMaxRecords || _segmentBytes + _builder.RawLength >= scope.SegmentMaxBytes)
        {
            CloseSegment();
        }
    }

    private bool TryPut(in RecordBatch batch, long from, long to)
    {
        var outcome = _builder.TryAppend(batch, from, to);
        if (outcome == AppendOutcome.BlockFull)
        {
            // This batch goes into the same segment, so the block is not its last.
            HandOn(mayBeLast: false);
            outcome = _builder.TryAppend(batch, from, to);
        }

        if (outcome == AppendOutcome.Added)
        {
            return true;
        }

        try
        {
            scope.MemoryShort();
            return _builder.Append(batch, from, to, scope.Abort);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private bool MeetsAgain(LastRecord last, in RecordBatch batch)
    {
        if (batch.LastOffset < last.Offset)
        {
            return false;
        }

        _verify = null;
        if (scope.Probe.Find(batch, last.Offset) is not { } found)
        {
            NotMetAgain(last);
        }
        else if (!found.Digests.Contains(last.Digest))
        {
            Fail(Truncated($"the record at offset {last.Offset} is not the one that was backed up"));
        }
        else if (last.LeaderEpoch >= 0 && found.LeaderEpoch >= 0 && last.LeaderEpoch != found.LeaderEpoch)
        {
            Fail(
                Truncated(
                    $"the record at offset {last.Offset} is of leader epoch {found.LeaderEpoch}, and was of {last.LeaderEpoch} when it was backed up"
                )
            );
        }

        return Failure is null;
    }

    private void NotMetAgain(LastRecord last)
    {
        _verify = null;
        if (!work.LastMayBeGone)
        {
            Fail(Truncated($"the record at offset {last.Offset} that was backed up is not there any more"));
        }
    }

    private KafkaBackupException Truncated(string what) =>
        ErrorIds.LogTruncated.With(
            $"Partition {work.Id} cannot be continued: {what}. Its log was truncated, or the topic was deleted and created again.",
            work.Id.ToString()
        );
}
