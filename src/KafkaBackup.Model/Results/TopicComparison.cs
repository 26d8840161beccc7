using System.Globalization;

namespace KafkaBackup;

/// <summary>The verdict on one partition; in a summary (Partition null) on a topic.</summary>
public sealed record TopicComparison
{
    public required string Topic { get; init; }
    public required string DifferenceTopic { get; init; }
    public int? Partition { get; init; }
    public required ComparisonVerdict Verdict { get; init; }
    public bool Equal => Verdict == ComparisonVerdict.Equal;
    public required AlignMode Alignment { get; init; }

    /// <summary>Why records were aligned so; for a topic, its weakest partition's.</summary>
    public required string AlignmentReason { get; init; }
    public required long ComparedCount { get; init; }
    public RecordDifference? FirstDifference { get; init; }

    /// <summary>Records only on one side, at the old end (tail) and at the new end (head).</summary>
    public long ReferenceOnlyTail { get; init; }
    public long ReferenceOnlyHead { get; init; }
    public long DifferenceOnlyTail { get; init; }
    public long DifferenceOnlyHead { get; init; }
    public string? ReferenceDigest { get; init; }
    public string? DifferenceDigest { get; init; }
    public long? ReferenceHeadTimeMs { get; init; }
    public long? DifferenceHeadTimeMs { get; init; }
    public DateTimeOffset? ReferenceHeadTime => KafkaTime.ToDateTimeOffset(ReferenceHeadTimeMs);
    public DateTimeOffset? DifferenceHeadTime => KafkaTime.ToDateTimeOffset(DifferenceHeadTimeMs);

    /// <summary>The longest run of records, from the oldest, that both sides have alike.</summary>
    public long CommonTail { get; init; }

    /// <summary>Summary only: how far the heads of the partitions lie apart, on each side.</summary>
    public TimeSpan? ReferenceHeadSkew { get; init; }
    public TimeSpan? DifferenceHeadSkew { get; init; }
    public string? ErrorId { get; init; }
    public string? ErrorMessage { get; init; }
}

/// <summary>The first place where two sides differ.</summary>
/// <param name="What">Key, Value, Headers, Timestamp, TimestampType, Offset, or Missing.</param>
public sealed record RecordDifference(
    long? ReferenceOffset,
    long? DifferenceOffset,
    string What,
    string ReferenceShown,
    string DifferenceShown
)
{
    public override string ToString() =>
        $"{What} at {ReferenceOffset?.ToString(CultureInfo.InvariantCulture) ?? "-"} | {DifferenceOffset?.ToString(CultureInfo.InvariantCulture) ?? "-"}: {ReferenceShown} | {DifferenceShown}";
}
