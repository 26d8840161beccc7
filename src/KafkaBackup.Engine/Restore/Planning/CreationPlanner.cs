using System.Globalization;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Restore;

/// <summary>How topics that the target lacks will be created: as their sources were, as far as this cluster can (rule E5).</summary>
internal sealed class CreationPlanner(RestoreOptions options)
{
    /// <summary>
    /// Lists of the source's partitions and brokers, which on another cluster would slow down the wrong ones; and the format that the
    /// source kept its records in, which newer brokers do not know, and which, where it is an old one, refuses what a restore writes.
    /// </summary>
    private static readonly string[] NeverCopied =
    [
        "leader.replication.throttled.replicas",
        "follower.replication.throttled.replicas",
        "message.format.version",
    ];

    /// <summary>More partitions than this, and than twice the source's, are taken for a slip in a map.</summary>
    private const int PartitionsWithoutForce = 1000;

    private readonly List<Finding> _findings = [];

    public IReadOnlyList<Finding> Findings => _findings;

    public TopicCreation Plan(string topic, IReadOnlyList<TopicEntry> sources, int partitionsNeeded, int brokers)
    {
        var source = sources[0];
        var wanted = options.DefaultReplicationFactor ?? source.ReplicationFactor;
        var factor = wanted <= 0 ? -1 : Math.Min(wanted, Math.Max(1, brokers));
        var configs = ConfigsOf(source, options);
        if (!options.CreateTopics)
        {
            Add(
                FindingSeverity.Error,
                FindingKind.TargetMissing,
                topic,
                $"The target has no topic {topic}, and creating topics is switched off.",
                "Create the topic, or allow its creation."
            );
        }
        else
        {
            if (wanted > factor && factor > 0)
            {
                Add(
                    FindingSeverity.Warning,
                    FindingKind.Replication,
                    topic,
                    $"Topic {topic} will be created with replication factor {factor}, not {wanted}: the target has {brokers} brokers.",
                    "Add brokers first if the copies are needed."
                );
            }

            FitInSync(topic, source, configs, factor);
        }

        return new TopicCreation(Math.Max(partitionsNeeded, sources.Max(e => e.PartitionCount)), factor, configs);
    }

    /// <summary>
    /// The cluster itself is asked whether it would take them: it alone knows its policies, its settings' names and this user's rights.
    /// </summary>
    public async Task ValidateAsync(IKafkaCluster cluster, IReadOnlyCollection<NewTopic> topics, CancellationToken cancel)
    {
        if (topics.Count == 0 || !options.CreateTopics)
        {
            return;
        }

        try
        {
            var refusals = await cluster.FindTopicRefusalsAsync(topics, cancel).ConfigureAwait(false);
            foreach (var (topic, refusal) in refusals.OrderBy(r => r.Key, StringComparer.Ordinal))
            {
                _findings.Add(
                    new Finding(
                        refusal.IsFirm ? FindingSeverity.Error : FindingSeverity.Warning,
                        refusal.Reason.Definition == ErrorIds.ClusterUnauthorized ? FindingKind.Unauthorized : FindingKind.TargetMissing,
                        topic,
                        refusal.Reason.Message,
                        refusal.Reason.Advice
                    )
                    {
                        CanForce = true,
                    }
                );
            }
        }
        catch (KafkaBackupException error)
        {
            // Not every server that speaks the protocol can be asked; creating the topics will tell.
            Add(
                FindingSeverity.Warning,
                FindingKind.TargetMissing,
                cluster.Address,
                $"Whether the target would create the missing topics could not be asked: {error.Message}",
                "The restore finds out when it creates them, before it writes a record."
            );
        }
    }

    /// <summary>
    /// What a partition map makes of a new topic: said where it has more partitions than its source, refused where that looks like a slip.
    /// </summary>
    public static IEnumerable<Finding> CheckPartitions(string topic, IReadOnlyList<TopicEntry> sources, int needed)
    {
        var had = sources.Max(s => s.PartitionCount);
        if (needed <= had)
        {
            yield break;
        }

        var message = string.Create(
            CultureInfo.InvariantCulture,
            $"Topic {topic} will be created with {needed:N0} partitions, because the partition map leads to partition {needed - 1}; its source has {had:N0}."
        );
        yield return needed > Math.Max(2 * (long)had, PartitionsWithoutForce)
            ? new Finding(FindingSeverity.Error, FindingKind.PartitionMapping, topic, message, "Correct the partition map.")
            {
                CanForce = true,
            }
            : new Finding(
                FindingSeverity.Information,
                FindingKind.PartitionMapping,
                topic,
                message,
                "Nothing needs to be done if that is meant."
            );
    }

    /// <summary>
    /// A new topic's settings: its source's, with what was asked for instead. Records keep their times, unless a broker's stamps were asked
    /// for.
    /// </summary>
    public static Dictionary<string, string> ConfigsOf(TopicEntry source, RestoreOptions options)
    {
        var configs = source.Configs.Where(c => !NeverCopied.Contains(c.Key, StringComparer.Ordinal)).ToDictionary(StringComparer.Ordinal);
        if (configs.GetValueOrDefault(TargetConfigRisks.TimestampType) == TargetConfigRisks.LogAppendTime)
        {
            configs[TargetConfigRisks.TimestampType] = "CreateTime";
        }

        foreach (var (name, value) in options.TopicConfigOverrides.For(source.Name))
        {
            configs[name] = value;
            if (value.Length == 0)
            {
                configs.Remove(name);
            }
        }

        return configs;
    }

    /// <summary>With fewer copies than the source had, its demand of copies in sync could not be met. What was asked for stays.</summary>
    private void FitInSync(string topic, TopicEntry source, Dictionary<string, string> configs, int factor)
    {
        if (
            TargetConfigRisks.InSync(topic, factor, configs) is not null
            && !options.TopicConfigOverrides.For(source.Name).ContainsKey(TargetConfigRisks.MinInSync)
        )
        {
            Add(
                FindingSeverity.Warning,
                FindingKind.Replication,
                topic,
                $"Topic {topic} will be created with {TargetConfigRisks.MinInSync} {factor}, not {configs[TargetConfigRisks.MinInSync]}: it will have replication factor {factor}.",
                "Raise it when the topic has more copies."
            );
            configs[TargetConfigRisks.MinInSync] = factor.ToString(CultureInfo.InvariantCulture);
        }
    }

    private void Add(FindingSeverity severity, FindingKind kind, string place, string message, string advice) =>
        _findings.Add(new Finding(severity, kind, place, message, advice));
}
