namespace KafkaBackup.Benchmarks.EndToEnd;

/// <summary>One step of one round.</summary>
internal sealed record Sample
{
    /// <summary>As a user waits: for the engine without the start of its process, for other tools with theirs.</summary>
    public double Seconds { get; init; }

    public double ProcessSeconds { get; init; }

    public double? CpuSeconds { get; init; }

    public double? BrokerCpuSeconds { get; init; }

    public long? PeakBytes { get; init; }

    public long? AllocatedBytes { get; init; }

    public long? StoredBytes { get; init; }
}

/// <summary>A step over all rounds: medians, and the median of its ratios to another step of the same round.</summary>
internal sealed record Figures
{
    public required string Workload { get; init; }

    public required string Step { get; init; }

    public long Records { get; init; }

    public long Bytes { get; init; }

    public IReadOnlyList<Sample> Samples { get; init; } = [];

    public string? Skipped { get; init; }

    /// <summary>What it is compared with; null for nothing.</summary>
    public string? Beside { get; init; }

    public double? Ratio { get; init; }

    public double? Target { get; init; }

    public double Seconds => Median(Samples.Select(s => s.Seconds));

    public double ProcessSeconds => Median(Samples.Select(s => s.ProcessSeconds));

    public double? CpuSeconds => MedianOrNull(Samples.Select(s => s.CpuSeconds));

    public double? BrokerCpuSeconds => MedianOrNull(Samples.Select(s => s.BrokerCpuSeconds));

    public long? PeakBytes => Samples.Max(s => s.PeakBytes);

    public double? AllocatedPerRecord => Records > 0 ? MedianOrNull(Samples.Select(s => (double?)s.AllocatedBytes / Records)) : null;

    public double MegabytesPerSecond => Seconds > 0 ? Bytes / 1e6 / Seconds : 0;

    public double? StoredRatio => MedianOrNull(Samples.Select(s => s.StoredBytes is > 0 and var stored ? (double?)Bytes / stored : null));

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? 0 : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static double? MedianOrNull(IEnumerable<double?> values)
    {
        var known = values.OfType<double>().ToArray();
        return known.Length == 0 ? null : Median(known);
    }
}
