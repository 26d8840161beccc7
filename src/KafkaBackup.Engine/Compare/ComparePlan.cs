using KafkaBackup.Engine.Configuration;

namespace KafkaBackup.Engine.Compare;

/// <summary>One partition to compare.</summary>
internal sealed record PartitionPair(TopicPair Topic, int Partition, SidePartition Reference, SidePartition Difference)
{
    /// <summary>Some offset may be on both sides. With an empty side there is nothing that could contradict.</summary>
    public bool OffsetsMeet =>
        Reference.IsEmpty || Difference.IsEmpty || (Reference.Start < Difference.End && Difference.Start < Reference.End);
}

/// <summary>Whether two topics' offsets are numbers of the same log.</summary>
internal enum LogRelation
{
    Other,
    SameId,

    /// <summary>The same cluster and name, where topics have no ids.</summary>
    SameName,
}

/// <summary>Two topics to compare.</summary>
internal sealed class TopicPair(SideTopic reference, SideTopic difference, LogRelation log)
{
    public SideTopic Reference => reference;

    public SideTopic Difference => difference;

    public LogRelation Log => log;

    public string Name => reference.Name == difference.Name ? reference.Name : $"{reference.Name} and {difference.Name}";

    /// <summary>In order of their number.</summary>
    public List<PartitionPair> Partitions { get; } = [];
}

/// <summary>
/// Works out what is compared with what, and refuses what cannot be, before any record is read. Starts and ends of both sides are captured
/// here, first of all, so that live producers do no harm.
/// </summary>
internal sealed class ComparePlan(CompareOptions options, CompareSource reference, CompareSource difference)
{
    public async Task<IReadOnlyList<TopicPair>> MakeAsync(CancellationToken cancel)
    {
        await reference.OpenAsync(cancel).ConfigureAwait(false);
        if (!ReferenceEquals(reference, difference))
        {
            await difference.OpenAsync(cancel).ConfigureAwait(false);
        }

        var pairs = Pair(SelectReference());
        foreach (var pair in pairs)
        {
            CheckPartitions(pair);
        }

        await CaptureAsync(pairs, cancel).ConfigureAwait(false);
        return pairs;
    }

    private SideTopic[] SelectReference()
    {
        foreach (var name in options.Topics.Literals)
        {
            if (!reference.Topics.ContainsKey(name))
            {
                throw NotThere(reference, name);
            }
        }

        var selected = reference
            .Topics.Values.Where(t => options.Topics.Selects(t.Name))
            .OrderBy(t => t.Name, StringComparer.Ordinal)
            .ToArray();
        if (selected.Length == 0)
        {
            throw options.Topics.NothingMatched(reference.Name, reference.Topics.Keys);
        }

        // Topics that are all named one by one stay in that order: names of the other side are given in the same.
        var order = options.Topics.Literals;
        return order.Count == selected.Length && options.Topics.Include.All(p => p.IsLiteral)
            ? order.Select(name => reference.Topics[name]).ToArray()
            : selected;
    }

    private TopicPair[] Pair(SideTopic[] selected)
    {
        var names = options.DifferenceTopics;
        if (names is not null && names.Count != selected.Length)
        {
            throw ErrorIds.ComparisonImpossible.With(
                $"{selected.Length} topics are selected on the reference side ({string.Join(", ", selected.Take(10).Select(t => t.Name))}), but {names.Count} are named on the difference side.",
                string.Join(", ", names),
                "Give one -DifferenceTopic for each -Topic, in the same order."
            );
        }

        return selected
            .Select(
                (topic, index) =>
                {
                    var name = names?[index] ?? topic.Name;
                    return difference.Topics.TryGetValue(name, out var other)
                        ? new TopicPair(topic, other, LogOf(topic, other))
                        : throw NotThere(difference, name);
                }
            )
            .ToArray();
    }

    private LogRelation LogOf(SideTopic left, SideTopic right) =>
        left.Id is not null && right.Id is not null ? (left.Id == right.Id ? LogRelation.SameId : LogRelation.Other)
        : left.Name == right.Name && reference.ClusterId is { Length: > 0 } cluster && cluster == difference.ClusterId
            ? LogRelation.SameName
        : LogRelation.Other;

    private void CheckPartitions(TopicPair pair)
    {
        if (options.Partitions is { } asked)
        {
            foreach (var (source, topic) in new[] { (reference, pair.Reference), (difference, pair.Difference) })
            {
                if (asked.Except(topic.Partitions).Cast<int?>().FirstOrDefault() is { } missing)
                {
                    throw ErrorIds.ComparisonImpossible.With(
                        $"{source.Name} has no partition {missing} of topic {topic.Name}; it has {topic.Partitions.Count} partitions.",
                        new TopicPartition(topic.Name, missing).ToString(),
                        "Name partitions that both sides have."
                    );
                }
            }
        }
        else if (!pair.Reference.Partitions.SequenceEqual(pair.Difference.Partitions))
        {
            throw ErrorIds.ComparisonImpossible.With(
                $"Topic {pair.Reference.Name} has {pair.Reference.Partitions.Count} partitions on the reference side, topic {pair.Difference.Name} has {pair.Difference.Partitions.Count} on the difference side.",
                pair.Reference.Name,
                $"Compare only partitions that both sides have: {PartitionsOfBoth(pair)}."
            );
        }
    }

    private static string PartitionsOfBoth(TopicPair pair)
    {
        var both = pair.Reference.Partitions.Intersect(pair.Difference.Partitions).ToArray();
        return both is [0, .., var last] && last == both.Length - 1 ? $"-Partition (0..{last})" : $"-Partition {string.Join(',', both)}";
    }

    private async Task CaptureAsync(IReadOnlyList<TopicPair> pairs, CancellationToken cancel)
    {
        var left = pairs.SelectMany(pair => Numbers(pair).Select(n => new TopicPartition(pair.Reference.Name, n))).ToHashSet();
        var right = pairs.SelectMany(pair => Numbers(pair).Select(n => new TopicPartition(pair.Difference.Name, n))).ToHashSet();
        var capturingLeft = reference.CaptureAsync(left, cancel);
        var capturingRight = difference.CaptureAsync(right, cancel);
        await Task.WhenAll(capturingLeft, capturingRight).ConfigureAwait(false);
        var (lefts, rights) = (await capturingLeft.ConfigureAwait(false), await capturingRight.ConfigureAwait(false));
        foreach (var pair in pairs)
        {
            pair.Partitions.AddRange(
                Numbers(pair)
                    .Select(n => new PartitionPair(
                        pair,
                        n,
                        lefts[new TopicPartition(pair.Reference.Name, n)],
                        rights[new TopicPartition(pair.Difference.Name, n)]
                    ))
            );
        }

        RefuseNothingInRange(pairs);
    }

    /// <summary>Empty topics are equal; a range that leaves nothing of topics that are not empty proves nothing.</summary>
    private void RefuseNothingInRange(IReadOnlyList<TopicPair> pairs)
    {
        var all = pairs
            .SelectMany(p => p.Partitions)
            .SelectMany(p => new[] { p.Reference, p.Difference })
            .Where(p => p.Error is null)
            .ToArray();
        if (
            options.FromOffset is { } from
            && options.Align != AlignMode.OriginalOffset
            && all.Any(p => !p.IsEmpty)
            && all.All(p => p.IsEmpty || p.End <= from)
        )
        {
            throw ErrorIds.NothingMatched.With(
                $"No partition has a record at or after offset {from}: the longest, {all.MaxBy(p => p.End)!.Id}, ends at {all.Max(p => p.End)}.",
                $"{from}",
                "Give a smaller -FromOffset."
            );
        }
    }

    private IReadOnlyList<int> Numbers(TopicPair pair) => options.Partitions ?? pair.Reference.Partitions;

    private static KafkaBackupException NotThere(CompareSource source, string name) =>
        ErrorIds.TopicNotFound.With(
            $"{source.Name} has no topic {name}. {TopicSelection.WhatIsThere(source.Topics.Keys.Order(StringComparer.Ordinal).ToArray())}",
            name
        );
}
