using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Restore;

/// <summary>What was found out about the target: its topics as they are, or as they will be created.</summary>
/// <param name="Ends">Of the partitions that are still and no resume's; a partition that will be created ends at 0.</param>
internal sealed record TargetLook(
    string? ClusterId,
    IReadOnlyDictionary<string, TargetTopicLook> Topics,
    IReadOnlyDictionary<TopicPartition, long> Ends,
    IReadOnlyList<Finding> Findings
);

/// <param name="ReplicationFactor">Below 1 where the brokers choose.</param>
/// <param name="Create">Null when the topic is there.</param>
/// <param name="Configs">In force, or as it will be created.</param>
internal sealed record TargetTopicLook(
    string Topic,
    int Partitions,
    int ReplicationFactor,
    TopicCreation? Create,
    IReadOnlyDictionary<string, string> Configs
);

/// <summary>
/// Asks the cluster whether the plan can be carried out (rule D3): reachable, authorised, topics there or to be created, partitions enough,
/// empty, still, and not the source with producers at work.
/// </summary>
internal sealed class TargetChecks(IKafkaCluster cluster, RestoreOptions options, string? sourceClusterId, TimeProvider clock)
{
    /// <summary>Between two looks at the log ends: long enough for a producer that writes once a second to show.</summary>
    private static readonly TimeSpan GrowthLook = TimeSpan.FromMilliseconds(1500);

    private readonly List<Finding> _findings = [];
    private readonly Dictionary<TopicPartition, long> _ends = [];

    /// <param name="sources">Target topic to source topics.</param>
    /// <param name="targets">Every partition that will be written.</param>
    /// <param name="resuming">Partitions that may hold what an interrupted restore brought, and may get its last requests yet.</param>
    public async Task<TargetLook> LookAsync(
        IReadOnlyDictionary<string, IReadOnlyList<TopicEntry>> sources,
        IReadOnlyCollection<TopicPartition> targets,
        IReadOnlySet<TopicPartition> resuming,
        CancellationToken cancel
    )
    {
        var description = await cluster.DescribeAsync(cancel).ConfigureAwait(false);
        var creations = new CreationPlanner(options);
        var looks = new Dictionary<string, TargetTopicLook>(StringComparer.Ordinal);
        var present = sources.Keys.Where(description.Topics.ContainsKey).ToArray();
        var rights = await ListRightsAsync(present, cancel).ConfigureAwait(false);
        var readable = present.Where(t => rights.GetValueOrDefault(t) is not { DescribeConfigs: false }).ToArray();
        var configs =
            readable.Length == 0
                ? new Dictionary<string, IReadOnlyList<TopicConfig>>()
                : await cluster.DescribeConfigsAsync(readable, cancel).ConfigureAwait(false);
        foreach (var (topic, entries) in sources)
        {
            var needed = targets.Where(t => t.Topic == topic).Max(t => t.Partition) + 1;
            if (description.Topics.TryGetValue(topic, out var there))
            {
                var inForce = (configs.GetValueOrDefault(topic) ?? [])
                    .Where(c => c.Value is not null)
                    .ToDictionary(c => c.Name, c => c.Value!, StringComparer.Ordinal);
                CheckPresent(there, needed);
                CheckRights(topic, rights.GetValueOrDefault(topic), targets.Any(t => t.Topic == topic && resuming.Contains(t)));
                looks[topic] = new TargetTopicLook(topic, there.Partitions.Count, there.ReplicationFactor, null, inForce);
            }
            else
            {
                var creation = creations.Plan(topic, entries, needed, description.Brokers.Count);
                looks[topic] = new TargetTopicLook(topic, creation.Partitions, creation.ReplicationFactor, creation, creation.Configs);
            }
        }

        await creations
            .ValidateAsync(cluster, looks.Values.Select(l => l.Create?.AsTopic(l.Topic)).OfType<NewTopic>().ToArray(), cancel)
            .ConfigureAwait(false);
        _findings.AddRange(creations.Findings);

        var existing = targets.Where(t => looks[t.Topic] is { Create: null } look && t.Partition < look.Partitions).ToArray();
        if (existing.Length > 0)
        {
            await CheckContentsAsync(existing, sources, description.ClusterId, resuming, cancel).ConfigureAwait(false);
        }

        foreach (var created in targets.Where(t => looks[t.Topic].Create is not null))
        {
            _ends[created] = 0;
        }

        return new TargetLook(description.ClusterId, looks, _ends, _findings);
    }

    private void CheckPresent(TopicDescription topic, int needed)
    {
        if (topic.ErrorMessage is { } error)
        {
            Add(
                FindingSeverity.Error,
                FindingKind.Unauthorized,
                topic.Name,
                $"The target does not let this user see topic {topic.Name}: {error}",
                $"Grant DESCRIBE and WRITE on topic {topic.Name}."
            );
        }
        else if (topic.Partitions.Count < needed)
        {
            Add(
                FindingSeverity.Error,
                FindingKind.TargetPartitions,
                topic.Name,
                $"Topic {topic.Name} has {topic.Partitions.Count} partitions; the restore needs {needed}.",
                "Add partitions to the topic, or map the partitions to ones that are there."
            );
        }
    }

    /// <summary>A server that cannot be asked is no reason not to restore.</summary>
    private async Task<IReadOnlyDictionary<string, TopicRights>> ListRightsAsync(string[] topics, CancellationToken cancel)
    {
        try
        {
            return topics.Length == 0
                ? new Dictionary<string, TopicRights>()
                : await cluster.ListRightsAsync(topics, cancel).ConfigureAwait(false);
        }
        catch (KafkaBackupException error)
        {
            Add(
                FindingSeverity.Information,
                FindingKind.Unauthorized,
                cluster.Address,
                $"What this user may do with the target's topics could not be asked: {error.Message}",
                "The restore finds out when it writes."
            );
            return new Dictionary<string, TopicRights>();
        }
    }

    private void CheckRights(string topic, TopicRights? rights, bool isResuming)
    {
        if (rights is { Write: false })
        {
            Add(
                FindingSeverity.Error,
                FindingKind.Unauthorized,
                topic,
                $"This user may not write to topic {topic}.",
                $"Grant this user Write on topic {topic}.",
                canForce: true
            );
        }

        if (rights is { Delete: false } && options.PurgeTopics)
        {
            // Force is always given with purging, so it cannot also mean this.
            Add(
                FindingSeverity.Error,
                FindingKind.Unauthorized,
                topic,
                $"This user may not delete records of topic {topic}, so that it cannot be emptied.",
                $"Grant this user Delete on topic {topic}."
            );
        }

        if (rights is { Read: false })
        {
            var need =
                options.Delivery == DeliveryMode.Transactional ? "transactions cannot keep their progress"
                : isResuming ? "the restore that was interrupted cannot prove how far it came"
                : options.ResetConsumerOffsets ? "consumer groups cannot be moved to it"
                : null;
            Add(
                need is null ? FindingSeverity.Warning : FindingSeverity.Error,
                FindingKind.Unauthorized,
                topic,
                $"This user may not read topic {topic}: {need ?? "after an interruption or a fault the restore cannot prove how far it came, and cannot go on"}.",
                $"Grant this user Read on topic {topic}.",
                canForce: need is not null
            );
        }

        if (rights is { DescribeConfigs: false })
        {
            Add(
                FindingSeverity.Error,
                FindingKind.Unauthorized,
                topic,
                $"This user may not read the configuration of topic {topic}, so that it is not known whether it would keep the records as they are.",
                $"Grant this user DescribeConfigs on topic {topic}.",
                canForce: true
            );
        }
    }

    private async Task CheckContentsAsync(
        TopicPartition[] existing,
        IReadOnlyDictionary<string, IReadOnlyList<TopicEntry>> sources,
        string? clusterId,
        IReadOnlySet<TopicPartition> resuming,
        CancellationToken cancel
    )
    {
        var starts = await cluster.ListOffsetsAsync(existing, OffsetBound.Earliest, cancel).ConfigureAwait(false);
        var ends = await cluster.ListOffsetsAsync(existing, OffsetBound.HighWatermark, cancel).ConfigureAwait(false);
        foreach (
            var error in existing.Select(p => starts[p].Error ?? ends[p].Error).OfType<KafkaBackupException>().DistinctBy(e => e.Message)
        )
        {
            var kind = error.Definition == ErrorIds.ClusterUnauthorized ? FindingKind.Unauthorized : FindingKind.Unreachable;
            Add(FindingSeverity.Error, kind, error.TargetObject?.ToString() ?? cluster.Address, error.Message, error.Advice);
        }

        await Task.Delay(GrowthLook, clock, cancel).ConfigureAwait(false);
        var later = await cluster.ListOffsetsAsync(existing, OffsetBound.HighWatermark, cancel).ConfigureAwait(false);
        foreach (
            var partition in existing.Where(p => !resuming.Contains(p) && later[p].Offset is not null && later[p].Offset == ends[p].Offset)
        )
        {
            _ends[partition] = later[partition].Offset!.Value;
        }

        foreach (var topic in existing.GroupBy(p => p.Topic, StringComparer.Ordinal))
        {
            var filled = topic.Where(p => !resuming.Contains(p) && ends[p].Offset > starts[p].Offset).ToArray();
            var growing = topic.Where(p => !resuming.Contains(p) && later[p].Offset > ends[p].Offset).ToArray();
            var isSource = sourceClusterId is not null && sourceClusterId == clusterId && sources[topic.Key].Any(s => s.Name == topic.Key);
            Report(topic.Key, filled, growing, isSource);
        }
    }

    private void Report(string topic, TopicPartition[] filled, TopicPartition[] growing, bool isSource)
    {
        if (growing.Length > 0)
        {
            var (kind, what) = isSource
                ? (
                    FindingKind.TargetIsSource,
                    $"Topic {topic} is the very topic that was backed up, and producers are writing to it: restored and new records would mix."
                )
                : (FindingKind.TargetGrowing, $"Topic {topic} is growing: someone is producing to {growing.Length} of its partitions.");
            Add(
                FindingSeverity.Error,
                kind,
                topic,
                what,
                "Stop the producers, or restore to another topic (topic_mapping, -TopicMap).",
                canForce: true
            );
        }

        if (filled.Length > 0 && !options.PurgeTopics)
        {
            Add(
                FindingSeverity.Error,
                FindingKind.TargetNotEmpty,
                topic,
                $"{filled.Length} partitions of topic {topic} are not empty, among them {filled[0]}.",
                "Restore to another topic (topic_mapping, -TopicMap), empty it (-Purge -Force), or append to its records with -Force.",
                canForce: true
            );
        }
    }

    private void Add(FindingSeverity severity, FindingKind kind, string place, string message, string advice, bool canForce = false) =>
        _findings.Add(new Finding(severity, kind, place, message, advice) { CanForce = canForce });
}
