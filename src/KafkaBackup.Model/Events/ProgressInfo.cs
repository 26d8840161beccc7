namespace KafkaBackup;

/// <summary>A snapshot of how far an operation is.</summary>
/// <param name="Activity">What is going on: "Backing up", "Restoring".</param>
/// <param name="Records">Records handled so far.</param>
/// <param name="TotalRecords">Expected records; null where that cannot be known.</param>
/// <param name="Bytes">Bytes of keys, values and headers handled so far.</param>
/// <param name="Elapsed">Time since the work began.</param>
/// <param name="Topics">The same per topic, for those under way.</param>
public sealed record ProgressInfo(
    string Activity,
    long Records,
    long? TotalRecords,
    long Bytes,
    TimeSpan Elapsed,
    IReadOnlyList<TopicProgress> Topics
)
{
    public double RecordsPerSecond => Elapsed > TimeSpan.Zero ? Records / Elapsed.TotalSeconds : 0;

    public TimeSpan? Remaining =>
        TotalRecords is { } total && Records > 0 && total >= Records
            ? TimeSpan.FromSeconds(Elapsed.TotalSeconds / Records * (total - Records))
            : null;
}

public sealed record TopicProgress(string Topic, long Records, long? TotalRecords);
