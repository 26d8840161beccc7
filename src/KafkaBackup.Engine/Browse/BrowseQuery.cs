using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Browse;

/// <summary>A query, checked. At most one of its ways to choose is used.</summary>
internal sealed record BrowseQuery
{
    public required TopicSelection Topics { get; init; }
    public required IReadOnlyList<int>? Partitions { get; init; }
    public required long? First { get; init; }
    public required long? Last { get; init; }
    public required long? Offset { get; init; }
    public required TimeWindow Window { get; init; }
    public required byte[]? Key { get; init; }
    public required RecordText Text { get; init; }

    /// <summary>So many records of each partition, from the first that is wanted on.</summary>
    public long Most => First ?? (Offset is null ? long.MaxValue : 1);

    /// <summary>What was looked for, where it is an error to find nothing.</summary>
    public string? Wanted =>
        Offset is { } offset ? $"at or after offset {offset}"
        : Window.IsUnbounded ? null
        : $"from {Window}";

    public static BrowseQuery From(RecordQuery query)
    {
        string[] ways =
        [
            .. query.First is null ? [] : new[] { "First" },
            .. query.Last is null ? [] : new[] { "Last" },
            .. query.Offset is null ? [] : new[] { "Offset" },
            .. (query.FromTime ?? query.ToTime) is null ? [] : new[] { "FromTime/ToTime" },
            .. query.Key is null ? [] : new[] { "Key" },
        ];
        if (ways.Length > 1)
        {
            throw ErrorIds.ConfigConflict.With(
                $"{string.Join(" and ", ways)} are given; records are chosen in one way at a time.",
                string.Join(", ", ways),
                "Leave all but one out."
            );
        }

        return new BrowseQuery
        {
            Topics = Select(query.Topics, query.ExcludeTopics),
            Partitions = Check(query.Partitions),
            First = AtLeast(query.First, 1, "First"),
            Last = AtLeast(query.Last, 1, "Last"),
            Offset = AtLeast(query.Offset, 0, "Offset"),
            Window = new TimeWindow(query.FromTime, query.ToTime),
            Key = query.Key,
            Text = new RecordText(query.AsBytes),
        };
    }

    public static TopicSelection Select(IReadOnlyList<string>? topics, IReadOnlyList<string>? exclude) =>
        topics is { Count: 0 }
            ? throw ErrorIds.ConfigOutOfRange.With(
                "The list of topics is empty.",
                "Topic",
                "Leave it out for all topics, or name at least one."
            )
            : new TopicSelection(topics ?? ["*"], exclude);

    public static IReadOnlyList<int>? Check(IReadOnlyList<int>? partitions) =>
        partitions switch
        {
            null => null,
            { Count: 0 } => throw ErrorIds.ConfigOutOfRange.With(
                "The list of partitions is empty.",
                "Partition",
                "Leave it out for all partitions, or name at least one."
            ),
            _ when partitions.Any(p => p < 0) => throw ErrorIds.ConfigOutOfRange.With(
                $"{partitions.Min()} is not a partition.",
                "Partition",
                "Partitions count from 0."
            ),
            _ => partitions,
        };

    /// <summary>The partitions asked for of the topics that match, in order.</summary>
    /// <param name="place">Where it was looked, for errors: "The cluster broker:9092", "Backup nightly".</param>
    /// <param name="there">The topics that are there, with their partitions.</param>
    /// <exception cref="KafkaBackupException">TopicNotFound, NothingMatched (rule A9).</exception>
    public static IReadOnlyList<TopicPartition> PartitionsOf(
        TopicSelection topics,
        IReadOnlyList<int>? partitions,
        string place,
        IReadOnlyDictionary<string, IReadOnlyList<int>> there
    )
    {
        foreach (var name in topics.Literals.Where(name => !there.ContainsKey(name)))
        {
            var names = there.Keys.Order(StringComparer.Ordinal).ToArray();
            throw ErrorIds.TopicNotFound.With(
                $"{place} has no topic {name}. It has {(names.Length == 0 ? "none" : string.Join(", ", names.Take(10)))}{(names.Length > 10 ? $" and {names.Length - 10} more" : "")}.",
                name
            );
        }

        var selected = there.Where(t => topics.Selects(t.Key)).OrderBy(t => t.Key, StringComparer.Ordinal).ToArray();
        if (selected.Length == 0)
        {
            throw topics.NothingMatched(place, there.Keys);
        }

        var found = selected
            .SelectMany(t => t.Value.Order().Where(p => partitions?.Contains(p) != false).Select(p => new TopicPartition(t.Key, p)))
            .ToArray();
        return found.Length > 0
            ? found
            : throw ErrorIds.NothingMatched.With(
                $"{place} has no partition {string.Join(", ", partitions ?? [])} of {string.Join(", ", selected.Select(t => $"{t.Key} ({t.Value.Count} partitions)"))}.",
                string.Join(", ", partitions ?? [])
            );
    }

    /// <summary>Whether the record itself is one that was asked for; how many is another matter.</summary>
    public bool Wants(in RecordView record) =>
        (Offset is null || record.Offset >= Offset)
        && Window.Contains(record.Timestamp)
        && (Key is null || (!record.KeyIsNull && record.Key.SequenceEqual(Key)));

    private static long? AtLeast(long? value, long least, string name) =>
        value is null || value >= least
            ? value
            : throw ErrorIds.ConfigOutOfRange.With($"{name} must be at least {least}, but is {value}.", name);
}
