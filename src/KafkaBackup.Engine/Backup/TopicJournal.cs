using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Backup;

/// <summary>Enters into the manifest what a run knows about topics besides their records: partitions, configs, ids, consumer groups (SEMANTICS B6, B11).</summary>
internal sealed class TopicJournal(RunScope run)
{
    private readonly HashSet<string> _topics = new(StringComparer.Ordinal);

    public void Describe(
        IReadOnlyList<TopicDescription> topics, IReadOnlyDictionary<string, IReadOnlyList<TopicConfig>> configs, IReadOnlyList<PartitionWork> partitions)
    {
        var byTopic = partitions.ToLookup(p => p.Id.Topic, StringComparer.Ordinal);
        foreach (var topic in topics)
        {
            _topics.Add(topic.Name);
            if (byTopic[topic.Name].Any(p => p.Refused is null))
            {
                var own = configs.GetValueOrDefault(topic.Name)?.Where(c => c is { IsDefault: false, IsSensitive: false, Value: not null }) ?? [];
                run.Draft.Describe(
                    topic.Name, topic.TopicId, topic.ReplicationFactor, own.ToDictionary(c => c.Name, c => c.Value!, StringComparer.Ordinal), byTopic[topic.Name].ToArray());
            }
        }
    }

    public async Task TakeGroupsAsync(CancellationToken cancel)
    {
        if (run.Options.ConsumerGroupSnapshot
            && await new GroupWatch(run.Cluster, run.Clock, run.Events).TakeAsync(_topics, run.RunId, cancel).ConfigureAwait(false) is { } snapshot)
        {
            run.Draft.SetGroups(snapshot);
        }
    }
}
