namespace KafkaBackup.Benchmarks.EndToEnd;

/// <summary>What a job says of itself, as one line of JSON on its standard output.</summary>
internal sealed record JobReport
{
    public long Records { get; init; }

    /// <summary>Bytes of keys, values and headers.</summary>
    public long Bytes { get; init; }

    public long? StoredBytes { get; init; }

    /// <summary>
    /// From the first call of the engine to its result: without the start of the runtime, with the compilation of the engine's code.
    /// </summary>
    public double Seconds { get; init; }

    public long AllocatedBytes { get; init; }

    public int Collections { get; init; }

    /// <summary>Why it did not run, where that is no failure: the engine does not do this yet.</summary>
    public string? Skipped { get; init; }
}
