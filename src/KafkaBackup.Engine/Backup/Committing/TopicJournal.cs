using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Enters into the manifest what a run knows about topics besides their records: partitions, configs, ids, consumer groups (rules B6, B11).
/// </summary>
internal sealed class TopicJournal(RunScope run)
{
    private readonly HashSet<string> _topics = new(StringComparer.Ordinal);

    public void Describe(
        IReadOnlyList<TopicDescription> topics,
        IReadOnlyDictionary<string, IReadOnlyList<TopicConfig>> configs,
        IReadOnlyList<PartitionWork> partitions
    )
    {
        var byTopic = partitions.ToLookup(p => p.Id.Topic, StringComparer.Ordinal);
        foreach (var _ in partitions.Where(p => p.Gap is not null))
        {
            run.Status.CountGap();
        }

        _topics.Clear();
        foreach (var topic in topics)
        {
            if (byTopic[topic.Name].Any(p => p.Refused is null))
            {
                _topics.Add(topic.Name);
                var own =
                    configs.GetValueOrDefault(topic.Name)?.Where(c => c is { IsDefault: false, IsSensitive: false, Value: not null }) ?? [];
                run.Draft.Describe(
                    topic,
                    own.ToDictionary(c => c.Name, c => c.Value!, StringComparer.Ordinal),
                    byTopic[topic.Name].ToArray()
                );
            }
        }
    }

    /// <summary>
    /// Does not outlast the budget: a cluster that is away must not hold up a run. A stop is no failure: the run's end takes the groups
    /// once more.
    /// </summary>
    public async Task TakeGroupsAsync(TimeSpan budget, CancellationToken stop)
    {
        if (!run.Options.ConsumerGroupSnapshot)
        {
            return;
        }

        try
        {
            if (await new GroupWatch(run, _topics).TakeAsync(run.Draft.Groups, budget, stop).ConfigureAwait(false) is { } snapshot)
            {
                run.Draft.SetGroups(snapshot);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            run.Events.Verbose("Reading the consumer groups was given up for the stop; the run's end reads them.");
        }
    }
}
