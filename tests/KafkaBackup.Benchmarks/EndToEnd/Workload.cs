namespace KafkaBackup.Benchmarks.EndToEnd;

internal enum Content
{
    Json,
    Random,
}

/// <summary>A topic's worth of records. Sizes are those of key and value together.</summary>
internal sealed record Workload(string Name, int Partitions, long Records, int RecordBytes, Content Content)
{
    public static IReadOnlyList<Workload> All { get; } =
    [
        new("json-1k", 4, 1_000_000, 1_024, Content.Json),
        new("random-1k", 4, 1_000_000, 1_024, Content.Random),
        new("small-100", 4, 5_000_000, 100, Content.Json),
        new("large-1m", 4, 2_000, 1_000_000, Content.Json),
        new("wide-1000", 1_000, 1_000_000, 200, Content.Json),
    ];

    public long Bytes => Records * RecordBytes;

    public Workload Tenth() => this with { Records = Math.Max(Partitions, Records / 10) };

    public static Workload Named(string name) => All.First(w => w.Name == name);
}
