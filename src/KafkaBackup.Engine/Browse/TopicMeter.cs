using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Browse;

/// <summary>Measures live topics: how much there is, how fast it grows, how new the newest record is.</summary>
internal sealed class TopicMeter(IKafkaCluster cluster, TimeProvider clock)
{
    public async Task<IReadOnlyList<TopicMeasure>> MeasureAsync(MeasureSettings settings, CancellationToken cancel)
    {
        if (settings.Duration <= TimeSpan.Zero)
        {
            throw ErrorIds.ConfigOutOfRange.With("The duration of a measurement must be longer than nothing.", "Duration");
        }

        var description = await cluster.DescribeAsync(cancel).ConfigureAwait(false);
        var topics = description.Topics.ToDictionary(
            t => t.Key,
            t => (IReadOnlyList<int>)t.Value.Partitions.Select(p => p.Partition).ToArray(),
            StringComparer.Ordinal
        );
        var partitions = BrowseQuery.PartitionsOf(
            BrowseQuery.Select(settings.Topics, settings.ExcludeTopics),
            BrowseQuery.Check(settings.Partitions),
            $"The cluster {cluster.Address}",
            topics
        );

        var before = await EndsAsync(partitions, cancel).ConfigureAwait(false);
        var began = clock.GetTimestamp();
        await Task.Delay(settings.Duration, clock, cancel).ConfigureAwait(false);
        var after = await EndsAsync(partitions, cancel).ConfigureAwait(false);
        var elapsed = clock.GetElapsedTime(began).TotalSeconds;
        var starts = await AskAsync(partitions, OffsetBound.Earliest, cancel).ConfigureAwait(false);
        var heads = await HeadTimes
            .ReadAsync(cluster, partitions.ToDictionary(p => p, p => (starts[p], after[p])), clock, cancel)
            .ConfigureAwait(false);
        var rows = partitions
            .Select(p => new TopicMeasure
            {
                Topic = p.Topic,
                Partition = p.Partition,
                FirstOffset = starts[p],
                EndOffset = after[p],
                RecordCount = Math.Max(0, after[p] - starts[p]),
                RecordsPerSecond = Math.Max(0, after[p] - before[p]) / elapsed,
                HeadTimeMs = heads.TryGetValue(p, out var head) ? head : null,
            })
            .ToArray();
        return [.. rows, .. rows.GroupBy(r => r.Topic, StringComparer.Ordinal).Select(Sum)];
    }

    private static TopicMeasure Sum(IGrouping<string, TopicMeasure> topic) =>
        new()
        {
            Topic = topic.Key,
            RecordCount = topic.Sum(r => r.RecordCount),
            RecordsPerSecond = topic.Sum(r => r.RecordsPerSecond),
            HeadTimeMs = topic.Max(r => r.HeadTimeMs),
            HeadSkew = HeadSkew.Between(topic.Select(r => r.HeadTimeMs).OfType<long>()),
        };

    private Task<IReadOnlyDictionary<TopicPartition, long>> EndsAsync(IReadOnlyList<TopicPartition> partitions, CancellationToken cancel) =>
        AskAsync(partitions, OffsetBound.HighWatermark, cancel);

    private async Task<IReadOnlyDictionary<TopicPartition, long>> AskAsync(
        IReadOnlyList<TopicPartition> partitions,
        OffsetBound bound,
        CancellationToken cancel
    )
    {
        var answers = await cluster.ListOffsetsAsync(partitions, bound, cancel).ConfigureAwait(false);
        return answers.ToDictionary(a => a.Key, a => a.Value.Error is { } error ? throw error : a.Value.Offset ?? 0);
    }
}
