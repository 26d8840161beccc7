namespace KafkaBackup.Engine.Compare;

/// <summary>A topic as one side shows it.</summary>
/// <param name="Id">The topic id; null where the broker gave none.</param>
internal sealed record SideTopic(string Name, string? Id, IReadOnlyList<int> Partitions);

/// <summary>A side's partition and what of it is compared, fixed before anything is read.</summary>
/// <param name="Start">The log's start, or the first stored offset.</param>
/// <param name="End">Exclusive: the last stable offset or the high watermark when the comparison began, or the end of what is
/// stored.</param>
/// <param name="Error">Why it cannot be read.</param>
internal sealed record SidePartition(TopicPartition Id, long Start, long End, KafkaBackupException? Error = null)
{
    public bool IsEmpty => Start >= End;

    /// <summary>For messages.</summary>
    public string Range => IsEmpty ? "none" : $"{Start}..{End - 1}";
}

/// <summary>One side of a comparison: a cluster or a backup.</summary>
internal abstract class CompareSource : IAsyncDisposable
{
    /// <summary>For messages: "The cluster broker:9092", "Backup nightly".</summary>
    public abstract string Name { get; }

    /// <summary>The cluster that the records' offsets belong to; null where it is not known.</summary>
    public abstract string? ClusterId { get; }

    public abstract IReadOnlyDictionary<string, SideTopic> Topics { get; }

    /// <summary>It tells whether a timestamp is the producer's or the broker's.</summary>
    public virtual bool TellsTimestampType => true;

    /// <summary>Looks at what is there.</summary>
    public abstract Task OpenAsync(CancellationToken cancel);

    /// <summary>Starts and ends of all the partitions, at one time.</summary>
    public abstract Task<IReadOnlyDictionary<TopicPartition, SidePartition>> CaptureAsync(
        IReadOnlyCollection<TopicPartition> partitions,
        CancellationToken cancel
    );

    /// <summary>For one thread at a time.</summary>
    public abstract SideReader OpenReader();

    public abstract ValueTask DisposeAsync();
}

/// <summary>Reads partitions of a side one after the other, each on the caller's thread.</summary>
internal abstract class SideReader : IDisposable
{
    /// <param name="from">Offsets below it are not wanted.</param>
    /// <param name="mayBeginLater">Retention may take the oldest records while a partition waits for its turn; it then has a shorter
    /// tail.</param>
    public abstract void Read(SidePartition partition, long from, bool mayBeginLater, RecordTaker taker, CancellationToken cancel);

    public abstract void Dispose();
}
