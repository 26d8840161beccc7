using System.Globalization;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Restore;

/// <summary>What a plan knows of the records for one target topic.</summary>
/// <param name="Creating">The restore makes the topic, so its settings are the source's with the overrides.</param>
/// <param name="TimestampTypeAsked">An override names message.timestamp.type.</param>
/// <param name="ReplicationFactor">Below 1 where it is not known.</param>
internal sealed record TopicFacts(
    string TargetTopic,
    bool Creating,
    bool TimestampTypeAsked,
    int ReplicationFactor,
    long? MinTimestamp,
    long? MaxTimestamp,
    int LargestRecord,
    long Bytes,
    long LargestPartitionBytes,
    IReadOnlyList<TopicEntry> Sources
);

/// <summary>
/// Settings of the target topic that would lose, refuse or change restored records (rule D4). Each is a finding with advice.
/// </summary>
internal static class TargetConfigRisks
{
    /// <summary>Versions whose format knows no idempotent producer.</summary>
    private static readonly string[] OldFormats = ["0.8", "0.9", "0.10"];

    public const string MinInSync = "min.insync.replicas";

    public const string TimestampType = "message.timestamp.type";

    public const string LogAppendTime = "LogAppendTime";

    /// <summary>A record's own fields beside its payload, and the batch around it, at most.</summary>
    private const int RecordOverhead = 200;

    /// <summary>What Kafka itself takes when neither the topic nor the brokers' settings say otherwise.</summary>
    private static readonly TimeSpan KafkasDefaultRetention = TimeSpan.FromDays(7);

    public static IEnumerable<Finding> Find(TopicFacts facts, IReadOnlyDictionary<string, string> configs, long nowMs)
    {
        var policy = configs.GetValueOrDefault("cleanup.policy", "delete");
        if (policy.Contains("delete", StringComparison.Ordinal))
        {
            foreach (var finding in Retention(facts, configs, nowMs))
            {
                yield return finding;
            }
        }

        if (Number(configs, "max.message.bytes") is { } most && facts.LargestRecord + RecordOverhead > most)
        {
            var certain = facts.LargestRecord > most;
            yield return new Finding(
                certain ? FindingSeverity.Error : FindingSeverity.Warning,
                FindingKind.RecordTooLarge,
                facts.TargetTopic,
                $"The largest record has {facts.LargestRecord} bytes, but the topic's max.message.bytes is {most}: it {(certain ? "will" : "may")} be refused.",
                $"Set max.message.bytes of topic {facts.TargetTopic} to at least {facts.LargestRecord + RecordOverhead}."
            )
            {
                CanForce = true,
            };
        }

        if (
            configs.GetValueOrDefault("message.format.version") is { } format
            && OldFormats.Any(old => format.StartsWith(old, StringComparison.Ordinal))
        )
        {
            yield return new Finding(
                FindingSeverity.Error,
                FindingKind.MessageFormat,
                facts.TargetTopic,
                $"Topic {facts.TargetTopic} is to keep records in the format of Kafka {format} (message.format.version), which has no headers and no exactly-once: "
                    + "brokers whose inter.broker.protocol.version is below 3.0 will refuse every record; later ones ignore the setting.",
                $"Remove message.format.version from topic {facts.TargetTopic}."
            )
            {
                CanForce = true,
            };
        }

        if (InSync(facts.TargetTopic, facts.ReplicationFactor, configs) is { } demanding)
        {
            yield return demanding;
        }

        if (configs.GetValueOrDefault(TimestampType) == LogAppendTime)
        {
            yield return new Finding(
                FindingSeverity.Warning,
                FindingKind.TimestampType,
                facts.TargetTopic,
                "The topic's message.timestamp.type is LogAppendTime: the broker will stamp every record with the time of the restore, and the records' own times are lost.",
                facts.Creating
                    ? $"Create topic {facts.TargetTopic} with message.timestamp.type CreateTime (topic_config_overrides, -TopicConfig)."
                    : $"Set message.timestamp.type of topic {facts.TargetTopic} to CreateTime while restoring."
            );
        }
        else if (
            facts.Sources.Where(s => s.Configs.GetValueOrDefault(TimestampType) == LogAppendTime).Select(s => s.Name).ToArray() is
            { Length: > 0 } stamped
        )
        {
            var kept =
                $"Records of {string.Join(", ", stamped)} were stamped by their broker (LogAppendTime). They keep these times, as their creation times";
            yield return facts is { Creating: true, TimestampTypeAsked: false }
                ? new Finding(
                    FindingSeverity.Warning,
                    FindingKind.TimestampType,
                    facts.TargetTopic,
                    $"{kept}: topic {facts.TargetTopic} will be created with {TimestampType} CreateTime, not LogAppendTime.",
                    $"After the restore, set it back: kafka-configs --alter --entity-type topics --entity-name {facts.TargetTopic} --add-config {TimestampType}=LogAppendTime. "
                        + $"With -TopicConfig @{{ '{TimestampType}' = 'LogAppendTime' }} (topic_config_overrides) it is created so, and all records get the time of the restore."
                )
                : new Finding(
                    FindingSeverity.Information,
                    FindingKind.TimestampType,
                    facts.TargetTopic,
                    $"{kept}.",
                    "Nothing needs to be done."
                );
        }

        foreach (var finding in TimestampLimits(facts, configs, nowMs))
        {
            yield return finding;
        }

        var sourcePolicy = facts
            .Sources.Select(s => s.Configs.GetValueOrDefault("cleanup.policy", "delete"))
            .Distinct(StringComparer.Ordinal)
            .ToArray();
        if (sourcePolicy.Length == 1 && sourcePolicy[0] != policy)
        {
            // A new topic has another policy only where an override asks for it.
            var compacts = policy.Contains("compact", StringComparison.Ordinal);
            yield return new Finding(
                facts.Creating && !compacts ? FindingSeverity.Information : FindingSeverity.Warning,
                FindingKind.CleanupPolicy,
                facts.TargetTopic,
                $"The topic's cleanup.policy is {policy}; the source's was {sourcePolicy[0]}.",
                compacts ? "Compaction removes older records of a key; set the policy that the source had."
                    : facts.Creating ? "Nothing needs to be done: topic_config_overrides (-TopicConfig) ask for it."
                    : "Set the policy that the source had."
            );
        }
    }

    /// <summary>A warning and no error, because brokers since Kafka 3.7 demand no more copies in sync than a topic has.</summary>
    public static Finding? InSync(string topic, int replicationFactor, IReadOnlyDictionary<string, string> configs) =>
        replicationFactor > 0 && Number(configs, MinInSync) is { } demanded && demanded > replicationFactor
            ? new Finding(
                FindingSeverity.Warning,
                FindingKind.Replication,
                topic,
                $"Topic {topic} has replication factor {replicationFactor}, but {MinInSync} {demanded}: brokers before Kafka 3.7 refuse every record for it.",
                $"Set {MinInSync} of topic {topic} to {replicationFactor} at most, or give it more replicas."
            )
            : null;

    private static IEnumerable<Finding> Retention(TopicFacts facts, IReadOnlyDictionary<string, string> configs, long nowMs)
    {
        if (Number(configs, "retention.ms") is >= 0 and var keep && facts.MinTimestamp is >= 0 and var oldest && oldest < nowMs - keep)
        {
            var all = facts.MaxTimestamp < nowMs - keep;
            yield return new Finding(
                FindingSeverity.Warning,
                FindingKind.Retention,
                facts.TargetTopic,
                $"The topic's retention.ms is {keep} ({TimeSpan.FromMilliseconds(Math.Min(keep, TimeSpan.MaxValue.TotalMilliseconds / 2)).TotalHours:0.#} h), but the records reach back to "
                    + $"{KafkaTime.ToDateTimeOffset(oldest):u}: {(all ? "all" : "the older")} restored records would be deleted soon after the restore.",
                $"Set retention.ms of topic {facts.TargetTopic} to -1, at least until the records have been used."
            );
        }

        // What the source never set is not copied: the new topic gets the brokers' default, which deletes a backup of last month within
        // minutes.
        if (
            facts.Creating
            && !configs.ContainsKey("retention.ms")
            && facts.MinTimestamp is >= 0 and var first
            && first < nowMs - KafkasDefaultRetention.TotalMilliseconds
        )
        {
            yield return new Finding(
                FindingSeverity.Warning,
                FindingKind.Retention,
                facts.TargetTopic,
                $"The topic will be created with the brokers' default retention (Kafka's own is {KafkasDefaultRetention.TotalDays:0} days), but the records reach back to "
                    + $"{KafkaTime.ToDateTimeOffset(first):u}: what is older than that retention would be deleted soon after the restore.",
                $"Create topic {facts.TargetTopic} with retention.ms -1 (-TopicConfig @{{ 'retention.ms' = '-1' }}, topic_config_overrides), at least until the records have been used."
            );
        }

        if (Number(configs, "retention.bytes") is >= 0 and var size && facts.LargestPartitionBytes > size)
        {
            yield return new Finding(
                FindingSeverity.Warning,
                FindingKind.Retention,
                facts.TargetTopic,
                $"The topic's retention.bytes is {size} per partition, but {facts.LargestPartitionBytes} bytes go into one: the oldest restored records would be deleted.",
                $"Set retention.bytes of topic {facts.TargetTopic} to -1."
            );
        }
    }

    private static IEnumerable<Finding> TimestampLimits(TopicFacts facts, IReadOnlyDictionary<string, string> configs, long nowMs)
    {
        // "difference.max" is the older name of both limits.
        var before = Limit(configs, "message.timestamp.before.max.ms") ?? Limit(configs, "message.timestamp.difference.max.ms");
        var after = Limit(configs, "message.timestamp.after.max.ms") ?? Limit(configs, "message.timestamp.difference.max.ms");
        if (configs.GetValueOrDefault(TimestampType) == LogAppendTime)
        {
            yield break;
        }

        if (before is { } past && facts.MinTimestamp is >= 0 and var oldest && oldest < nowMs - past)
        {
            yield return Limited(
                facts,
                $"records as old as {KafkaTime.ToDateTimeOffset(oldest):u}",
                "message.timestamp.before.max.ms (or message.timestamp.difference.max.ms)",
                past
            );
        }

        if (after is { } future && facts.MaxTimestamp is { } newest && newest > nowMs && newest - nowMs > future)
        {
            yield return Limited(
                facts,
                $"records as far ahead as {newest} ms",
                "message.timestamp.after.max.ms (or message.timestamp.difference.max.ms)",
                future
            );
        }
    }

    private static Finding Limited(TopicFacts facts, string records, string name, long limit) =>
        new(
            FindingSeverity.Error,
            FindingKind.TimestampLimit,
            facts.TargetTopic,
            $"The topic refuses {records}: its {name} is {limit}.",
            $"Raise the limit of topic {facts.TargetTopic} to 9223372036854775807 while restoring."
        )
        {
            CanForce = true,
        };

    /// <summary>Null for "no limit".</summary>
    private static long? Limit(IReadOnlyDictionary<string, string> configs, string name) =>
        Number(configs, name) is { } value && value < long.MaxValue ? value : null;

    private static long? Number(IReadOnlyDictionary<string, string> configs, string name) =>
        configs.TryGetValue(name, out var text) && long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value)
            ? value
            : null;
}
