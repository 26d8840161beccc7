using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>Creates the topics that the plan says are missing, and empties those that were asked to be (SEMANTICS E5, E8).</summary>
internal sealed class TargetPreparation(RestoreScope scope)
{
    public async Task RunAsync(CancellationToken stop)
    {
        foreach (var topic in scope.Work.Topics.Where(t => t.Create is not null))
        {
            var create = topic.Create!;
            scope.Events.Verbose($"Creating topic {topic.TargetTopic} with {create.Partitions} partitions, replication factor {create.ReplicationFactor}.");
            await scope.Cluster.CreateTopicAsync(new NewTopic(topic.TargetTopic, create.Partitions, create.ReplicationFactor, create.Configs), stop).ConfigureAwait(false);
        }

        await LearnLimitsAsync(stop).ConfigureAwait(false);

        // What a resume finds in the target is its own.
        if (scope.Options.PurgeTopics && scope.Work.Resuming.Count == 0)
        {
            var present = scope.Work.Topics.Where(t => t.Create is null).SelectMany(t => t.Targets).Select(t => t.Target).ToArray();
            if (present.Length > 0)
            {
                scope.Events.Verbose($"Emptying {present.Length} target partitions.");
                await scope.Cluster.DeleteRecordsAsync(present.ToDictionary(p => p, _ => -1L), stop).ConfigureAwait(false);
            }
        }
    }

    /// <summary>How large a batch a new topic takes is for its brokers to say, where the source's own configuration does not.</summary>
    private async Task LearnLimitsAsync(CancellationToken stop)
    {
        var created = scope.Work.Topics.Where(t => t.Create is not null).ToArray();
        if (created.Length == 0)
        {
            return;
        }

        try
        {
            var configs = await scope.Cluster.DescribeConfigsAsync(created.Select(t => t.TargetTopic).ToArray(), stop).ConfigureAwait(false);
            foreach (var topic in created)
            {
                var largest = LaneWriter.LargestBatch(configs[topic.TargetTopic].Where(c => c.Value is not null).ToDictionary(c => c.Name, c => c.Value!, StringComparer.Ordinal));
                foreach (var target in topic.Targets)
                {
                    target.MaxBatchBytes = largest ?? target.MaxBatchBytes;
                }
            }
        }
        catch (KafkaBackupException error)
        {
            // Without the right to ask, or before all brokers know the topic: a batch that is too large is refused, and the next ones are smaller.
            scope.Events.Verbose($"The new topics' limits are not known: {error.Message}");
        }
    }
}
