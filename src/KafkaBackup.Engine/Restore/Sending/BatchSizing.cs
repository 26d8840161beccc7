namespace KafkaBackup.Engine.Restore;

/// <summary>
/// How large a lane's batches are. A refused batch does not say whether one of its records is too large or the batch itself: its records
/// are sent again one by one, which names the one (rule E4); where all of them pass it was the batch, and those that follow are half as
/// large.
/// </summary>
internal sealed class BatchSizing(TargetWork work)
{
    private long _from = -1;
    private long _until = -1;

    public int Bytes { get; private set; } = LaneWriter.BatchBytes(work);

    /// <summary>The largest batch of the backup that goes as it is.</summary>
    public int KeptBytes { get; private set; } = LaneWriter.LargestKept(work);

    /// <summary>The target does not take the codec that batches have.</summary>
    public bool WithoutCodec { get; private set; }

    /// <summary>Whether the record of this number goes in a batch of its own.</summary>
    public bool IsSingle(long next) => next >= _from && next < _until;

    /// <summary>So far a writer may go that begins with this record: singles and batches need different ones.</summary>
    public long Limit(long next, long all) =>
        Math.Min(
            all,
            next < _from ? _from
                : next < _until ? _until
                : long.MaxValue
        );

    /// <summary>Whether the refusal was about the codec, and not about the records.</summary>
    public bool IsOfCodec(SendFault fault) => !WithoutCodec && fault.Code == SendFault.CodecRefused;

    /// <summary>Records up to the last one given were refused together.</summary>
    public void Refused(SendFault fault, long until)
    {
        if (IsOfCodec(fault))
        {
            WithoutCodec = true;
        }
        else
        {
            (_from, _until) = (fault.Index, until);
        }
    }

    /// <summary>All before this record went through.</summary>
    public void Passed(long next)
    {
        if (_until >= 0 && next >= _until)
        {
            (_from, _until) = (-1, -1);
            Bytes = Math.Max(LaneWriter.LeastBatch, Bytes / 2);
            KeptBytes = Bytes;
        }
    }
}
