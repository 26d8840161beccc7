namespace KafkaBackup;

/// <summary>A span of record timestamps, epoch milliseconds, both ends inclusive, each end open when null (rule A5).</summary>
public readonly record struct TimeWindow
{
    /// <exception cref="KafkaBackupException">InvalidWindow: the start is later than the end.</exception>
    public TimeWindow(long? start, long? end)
    {
        if (start > end)
        {
            throw ErrorIds.InvalidWindow.With(
                $"The time window starts at {Show(start.Value)}, which is later than its end, {Show(end.Value)}.",
                $"{start}..{end}"
            );
        }

        Start = start;
        End = end;
    }

    public long? Start { get; }

    public long? End { get; }

    /// <summary>True when no record is left out, not even one without a timestamp.</summary>
    public bool IsUnbounded => Start is null && End is null;

    public bool Contains(long timestamp) => !(timestamp < Start) && !(timestamp > End);

    /// <summary>Whether something stamped within the two times given, both inclusive, may lie in the window.</summary>
    public bool Overlaps(long minTimestamp, long maxTimestamp) => !(maxTimestamp < Start) && !(minTimestamp > End);

    public override string ToString() =>
        $"{(Start is { } start ? Show(start) : "the beginning")} to {(End is { } end ? Show(end) : "the end")}";

    private static string Show(long milliseconds) =>
        KafkaTime.ToDateTimeOffset(milliseconds) is { } time ? $"{milliseconds} ({time:yyyy-MM-ddTHH:mm:ss.fffZ})" : $"{milliseconds}";
}
