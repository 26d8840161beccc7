using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Backup;

/// <summary>What the readings of one pass share.</summary>
/// <param name="Pool">Memory of all blocks.</param>
/// <param name="Headers">Set when offset headers are to be stored with each record.</param>
/// <param name="MemoryShort">Asks all readings to hand on what they hold, before one of them waits for memory.</param>
/// <param name="Abort">Ends that wait, when nothing could be stored any more anyway.</param>
internal sealed record ReadingScope(
    BlockBufferPool Pool,
    long SegmentMaxBytes,
    long? SegmentMaxRecords,
    OffsetHeaders? Headers,
    Action MemoryShort,
    CancellationToken Abort
);

/// <summary>
/// One partition while it is read: decides of each record whether it belongs to the backup, fills blocks, and knows when the end is
/// reached. Lives on the reader thread.
/// </summary>
internal sealed class PartitionReading(PartitionWork work, SegmentLine line, ReadingScope scope) : IDisposable
{
    private readonly BlockBuilder _builder = new(scope.Pool);
    private LastRecord? _verify = work.Verify;
    private long _seenTo;
    private long _segmentRecords;
    private long _segmentBytes;
    private int _leaderEpoch = -1;
    private bool _segmentOpen;
    private bool _gaveUp;

    public PartitionWork Work => work;

    public SegmentLine Line => line;

    /// <summary>Every record below it that exists is with us.</summary>
    public long Next { get; private set; } = work.ReadFrom;

    /// <summary>Where the cluster is to be read from: our last record first, when it has to be met again.</summary>
    public long Position => _verify is { } last ? last.Offset : Next;

    public bool ReachedEnd { get; private set; } = work.Verify is null && work.ReadFrom >= work.CountTo;

    public KafkaBackupException? Failure { get; private set; }

    public long Records { get; private set; }

    public long Bytes { get; private set; }

    public long LateRecords { get; private set; }

    /// <summary>Anything at all has happened since this was last cleared.</summary>
    public bool Moved { get; set; }

    public bool IsOver => ReachedEnd || Failure is not null;

    public void OnRecord(in RecordView record)
    {
        if (IsOver || _gaveUp)
        {
            return;
        }

        if (_verify is { } last && !MeetsAgain(last, record))
        {
            return;
        }

        // A record that was given before is no progress: it would keep a partition that gives nothing else from being given up.
        if (record.Offset < _seenTo)
        {
            return;
        }

        _seenTo = record.Offset + 1;
        Moved = true;

        if (record.Offset >= work.CountTo)
        {
            ReachedEnd = true;
        }
        else if (record.Offset >= work.StoreTo)
        {
            LateRecords += record.Timestamp <= work.CutAtMs ? 1 : 0;
        }
        else if (record.Offset >= Next)
        {
            Take(scope.Headers is null ? record : scope.Headers.With(record));
        }
    }

    /// <summary>The reader says where it stands: past aborted records and markers, which are never handed out (rule B3).</summary>
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
            line.Close(_leaderEpoch);
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
            line.Add(_builder.Seal(), mayBeLast, _leaderEpoch);
        }
    }

    public void Dispose() => _builder.Dispose();

    private void Take(in RecordView record)
    {
        if (!TryPut(record))
        {
            // From here on a later record must not be taken either: it would hide the hole.
            _gaveUp = true;
            return;
        }

        Next = record.Offset + 1;
        _leaderEpoch = record.LeaderEpoch;
        Records++;
        Bytes += record.PayloadBytes;
        _segmentRecords++;
        if (_segmentRecords >= scope.SegmentMaxRecords || _segmentBytes + _builder.RawLength >= scope.SegmentMaxBytes)
        {
            CloseSegment();
        }
    }

    private bool TryPut(in RecordView record)
    {
        var outcome = _builder.TryAppend(record);
        if (outcome == AppendOutcome.BlockFull)
        {
            // This record goes into the same segment, so the block is not its last.
            HandOn(mayBeLast: false);
            outcome = _builder.TryAppend(record);
        }

        if (outcome == AppendOutcome.Added)
        {
            return true;
        }

        try
        {
            scope.MemoryShort();
            return _builder.Append(record, scope.Abort);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private bool MeetsAgain(LastRecord last, in RecordView record)
    {
        if (record.Offset < last.Offset)
        {
            return false;
        }

        if (record.Offset > last.Offset)
        {
            NotMetAgain(last);
            return Failure is null;
        }

        _verify = null;
        if (!IsSame(last, record))
        {
            Fail(Truncated($"the record at offset {last.Offset} is not the one that was backed up"));
        }
        else if (last.LeaderEpoch >= 0 && record.LeaderEpoch >= 0 && last.LeaderEpoch != record.LeaderEpoch)
        {
            Fail(
                Truncated(
                    $"the record at offset {last.Offset} is of leader epoch {record.LeaderEpoch}, and was of {last.LeaderEpoch} when it was backed up"
                )
            );
        }

        return false;
    }

    /// <summary>It may have been stored with offset headers, or without: the option may have changed since.</summary>
    private bool IsSame(LastRecord last, in RecordView record) =>
        RecordDigest.Of(record) == last.Digest || RecordDigest.Of((scope.Headers ?? new OffsetHeaders()).With(record)) == last.Digest;

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
