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
}
