using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// One partition while it is read: decides of each record whether it belongs to the backup, fills blocks, and knows when the end is reached.
/// Lives on the reader thread.
/// </summary>
internal sealed class PartitionReading(
    PartitionWork work, SegmentLine line, BlockBufferPool pool, long maxBytes, long? maxRecords, CancellationToken abort) : IDisposable
{
    private readonly BlockBuilder _builder = new(pool);
    private LastRecord? _verify = work.Verify;
    private long _segmentRecords;
    private long _segmentBytes;
    private int _leaderEpoch = -1;

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
        if (IsOver)
        {
            return;
        }

        Moved = true;
        if (_verify is { } last && !MeetsAgain(last, record))
        {
            return;
        }

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
            Take(record);
        }
    }

    /// <summary>The reader says where it stands: past aborted records and markers, which are never handed out (SEMANTICS B3).</summary>
    public void OnPosition(long position)
    {
        if (IsOver)
        {
            return;
        }

        if (_verify is { } last && position > last.Offset)
        {
            NotMetAgain(last);
        }

        ReachedEnd = Failure is null && position >= work.CountTo;
    }

    /// <summary>The source lost [Next, to) before it could be read (SEMANTICS B5).</summary>
    public void SkipTo(long to)
    {
        _verify = null;
        CloseSegment();
        Next = to;
        ReachedEnd = Next >= work.CountTo;
    }

    public void Fail(KafkaBackupException error) => Failure ??= error;

    /// <summary>Ends the open segment, so that a commit can name what was read so far.</summary>
    public void CloseSegment()
    {
        // A record always follows a block that was sealed because it was full: an open segment has something in the builder.
        if (!_builder.IsEmpty)
        {
            line.Add(_builder.Seal(), closes: true, _leaderEpoch);
        }

        _segmentRecords = 0;
        _segmentBytes = 0;
    }

    public void Dispose() => _builder.Dispose();

    private void Take(in RecordView record)
    {
        while (!_builder.Append(record, abort))
        {
            _segmentBytes += _builder.RawLength;
            line.Add(_builder.Seal(), closes: false, _leaderEpoch);
        }

        Next = record.Offset + 1;
        _leaderEpoch = record.LeaderEpoch;
        Records++;
        Bytes += record.PayloadBytes;
        _segmentRecords++;
        if (_segmentRecords >= maxRecords || _segmentBytes + _builder.RawLength >= maxBytes)
        {
            CloseSegment();
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
        if (RecordDigest.Of(record) != last.Digest)
        {
            Fail(Truncated($"the record at offset {last.Offset} is not the one that was backed up"));
        }

        return false;
    }

    private void NotMetAgain(LastRecord last)
    {
        _verify = null;
        if (!work.Compacted)
        {
            Fail(Truncated($"the record at offset {last.Offset} that was backed up is not there any more"));
        }
    }

    private KafkaBackupException Truncated(string what) => ErrorIds.LogTruncated.With(
        $"Partition {work.Id} cannot be continued: {what}. Its log was truncated, or the topic was deleted and created again.", work.Id.ToString());
}
