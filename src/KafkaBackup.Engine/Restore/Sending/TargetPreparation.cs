using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>Creates the topics that the plan says are missing, and empties those that were asked to be (rules E5, E8).</summary>
internal sealed class TargetPreparation(RestoreScope scope, TargetLog log)
{
    public async Task RunAsync(CancellationToken stop)
    {
        var missing = scope.Work.Topics.Select(t => t.Create?.AsTopic(t.TargetTopic)).OfType<NewTopic>().ToArray();
        if (missing.Length > 0)
        {
            foreach (var topic in missing)
            {
                scope.Events.Verbose(
                    $"Creating topic {topic.Name} with {topic.Partitions} partitions, replication factor {topic.ReplicationFactor}."
                );
            }

            await scope.Cluster.CreateTopicsAsync(missing, stop).ConfigureAwait(false);
            await LookAtCreatedAsync(stop).ConfigureAwait(false);
        }

        if (scope.Options.PurgeTopics)
        {
            // What a resume finds in the target is its own, but for partitions that it could not begin.
            var isResume = scope.Work.Resuming.Count > 0;
            var present = scope
                .Work.Topics.Where(t => t.Create is null)
                .SelectMany(t => t.Targets)
                .Where(t => !isResume || (t.RecordCount > 0 && !scope.Work.Resuming.Contains(t.Target)))
                .ToArray();
            if (present.Length > 0)
            {
                // What another restore has brought since the plan was made is not deleted.
                var ends = await log.EndsAsync(present.Select(t => t.Target).ToArray(), stop).ConfigureAwait(false);
                foreach (var target in present)
                {
                    LaneChecks.RequirePlannedEnd(scope, target, ends);
                }

                scope.Events.Verbose($"Emptying {present.Length} target partitions.");
                await scope.Cluster.DeleteRecordsAsync(ends, stop).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// How large a batch a new topic takes, and how many copies in sync it demands, is for its brokers to say where the source's own
    /// configuration does not.
    /// </summary>
    private async Task LookAtCreatedAsync(CancellationToken stop)
    {
        var created = scope.Work.Topics.Where(t => t.Create is not null).ToArray();
        try
        {
            var configs = await scope
                .Cluster.DescribeConfigsAsync(created.Select(t => t.TargetTopic).ToArray(), stop)
                .ConfigureAwait(false);
            var description = await scope.Cluster.DescribeAsync(stop).ConfigureAwait(false);
            foreach (var topic in created)
            {
                var inForce = configs[topic.TargetTopic]
                    .Where(c => c.Value is not null)
                    .ToDictionary(c => c.Name, c => c.Value!, StringComparer.Ordinal);
                var largest = LaneWriter.LargestBatch(inForce);
                foreach (var target in topic.Targets)
                {
                    target.MaxBatchBytes = largest ?? target.MaxBatchBytes;
                }

                if (
                    inForce.GetValueOrDefault(TargetConfigRisks.TimestampType) == TargetConfigRisks.LogAppendTime
                    && !topic.Create!.Configs.ContainsKey(TargetConfigRisks.TimestampType)
                )
                {
                    foreach (var target in topic.Targets)
                    {
                        target.TargetStampsRecords = true;
                    }

                    scope.Events.Warning(
                        $"Topic {topic.TargetTopic} was created with the brokers' default {TargetConfigRisks.TimestampType}, LogAppendTime: every record gets the time of the restore, and the records' own times are lost. "
                            + $"Stop, delete the topic, and restore with -TopicConfig @{{ '{TargetConfigRisks.TimestampType}' = 'CreateTime' }} (topic_config_overrides) to keep them."
                    );
                }

                var factor = description.Topics.GetValueOrDefault(topic.TargetTopic)?.ReplicationFactor ?? 0;
                if (
                    TargetConfigRisks.InSync(topic.TargetTopic, factor, inForce) is { } demanding
                    && scope.Work.Findings.All(f => f.Message != demanding.Message)
                )
                {
                    scope.Events.Warning($"{demanding.Message} {demanding.Advice}");
                }
            }
        }
        catch (KafkaBackupException error)
        {
            // Without the right to ask, or before all brokers know the topic: a batch that is too large is refused, and the next ones are
            // smaller.
            scope.Events.Verbose($"The new topics' limits are not known: {error.Message}");
        }
    }
}
