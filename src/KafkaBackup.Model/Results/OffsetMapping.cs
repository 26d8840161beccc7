namespace KafkaBackup;

/// <summary>Where a partition's records are now: source offsets to target offsets; with a group, where that group stands.</summary>
public sealed record OffsetMapping
{
    public required string Topic { get; init; }
    public required int Partition { get; init; }
    public string? TargetTopic { get; init; }
    public int? TargetPartition { get; init; }
    public long? SourceFirstOffset { get; init; }
    public long? SourceLastOffset { get; init; }
    public long? TargetFirstOffset { get; init; }
    public long? TargetLastOffset { get; init; }
    public long? FirstTimestampMs { get; init; }
    public long? LastTimestampMs { get; init; }
    public DateTimeOffset? FirstTimestamp => KafkaTime.ToDateTimeOffset(FirstTimestampMs);
    public DateTimeOffset? LastTimestamp => KafkaTime.ToDateTimeOffset(LastTimestampMs);
    public required ItemList<OffsetRange> Ranges { get; init; }
    public string? ConsumerGroup { get; init; }
    public long? SourceOffset { get; init; }
    public long? TargetOffset { get; init; }
    public string? Metadata { get; init; }

    /// <summary>
    /// A line for sh, PowerShell and cmd alike. Null where a name has more than letters, digits, '.', '_' and '-': it could mean something
    /// else to a shell.
    /// </summary>
    public string? ResetCommand { get; init; }

    /// <summary>The same as arguments, each exactly as it is meant: <c>kafka-consumer-groups @arguments</c> in PowerShell.</summary>
    public ItemList<string>? ResetArguments { get; init; }
}

/// <summary>
/// A run of records whose source and target offsets both go up by one. The target's start is -1 where only the source is known.
/// </summary>
public readonly record struct OffsetRange(long SourceStart, long TargetStart, long Length)
{
    public override string ToString() =>
        TargetStart < 0 ? $"{SourceStart}..{SourceStart + Length - 1}" : $"{SourceStart}..{SourceStart + Length - 1} -> {TargetStart}";
}
