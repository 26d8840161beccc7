using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>Why sending came to an end before its limit.</summary>
/// <param name="SourceOffset">The record it is about; -1 when it is not about one.</param>
internal sealed record SendFault(
    WriteFaultKind Kind,
    string Code,
    string Message,
    long Index,
    long SourceOffset,
    KafkaBackupException? Error = null
)
{
    /// <summary>The code of a target that does not know a batch's compression.</summary>
    public const string CodecRefused = "UNSUPPORTED_COMPRESSION_TYPE";

    public string Text => Code.Length == 0 ? Message : $"{Message} ({Code})";
}

/// <summary>What a delivery means for a batch of the backup.</summary>
internal enum BatchFate
{
    None,
    Kept,

    /// <summary>It is the first record of a batch that was taken apart.</summary>
    Rebuilt,
}

/// <summary>A record, or the records of a batch that was sent whole.</summary>
/// <param name="Index">Its number, or the first one's, among all records for the partition.</param>
/// <param name="Bytes">Keys, values and headers.</param>
internal readonly record struct SentRecords(long Index, int Count, int Source, long SourceOffset, long Bytes, BatchFate Fate);

/// <summary>
/// Delivered records that do not count yet: in a transaction they do from its commit on. What lies between them is not ours.
/// </summary>
internal sealed class HeldRecords(PartitionProgress progress)
{
    private readonly Queue<(SentRecords Sent, long TargetOffset)> _records = new();

    /// <summary>Where the first and the last one are; -1 for none.</summary>
    public long First { get; private set; } = -1;

    public long Last { get; private set; } = -1;

    /// <summary>The first offset between two of them which is not ours.</summary>
    public long? HoleAt { get; private set; }

    public void Add(in SentRecords sent, long offset)
    {
        if (First < 0)
        {
            First = offset;
        }
        else if (offset != Last + 1)
        {
            HoleAt ??= Last + 1;
        }

        Last = offset + sent.Count - 1;
        _records.Enqueue((sent, offset));
    }

    /// <summary>They are in the target for good.</summary>
    public void Release()
    {
        progress.Take(_records);
        (First, Last, HoleAt) = (-1, -1, null);
    }
}
