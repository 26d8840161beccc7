using System.Collections.Immutable;
using System.Globalization;
using KafkaBackup.LocalBroker.Log;

namespace KafkaBackup.LocalBroker.Topics;

/// <summary>A topic's settings: what was set on it, over Kafka's defaults.</summary>
internal sealed class TopicConfig
{
    private ImmutableSortedDictionary<string, string> _values = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    public TopicConfig() => Limits = ReadLimits();

    public static IReadOnlyList<ConfigDefinition> Definitions { get; } =
    [
        new("cleanup.policy", ConfigType.List, "delete", ["delete", "compact"]),
        new("compression.type", ConfigType.String, "producer", ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
        new("delete.retention.ms", ConfigType.Long, "86400000", Min: 0),
        new("file.delete.delay.ms", ConfigType.Long, "60000", Min: 0),
        new("flush.messages", ConfigType.Long, "9223372036854775807", Min: 1),
        new("flush.ms", ConfigType.Long, "9223372036854775807", Min: 0),
        new("follower.replication.throttled.replicas", ConfigType.List, ""),
        new("index.interval.bytes", ConfigType.Int, "4096", Min: 0),
        new("leader.replication.throttled.replicas", ConfigType.List, ""),
        new("max.compaction.lag.ms", ConfigType.Long, "9223372036854775807", Min: 1),
        new("max.message.bytes", ConfigType.Int, "1048588", Min: 0),
        new("message.downconversion.enable", ConfigType.Boolean, "true"),
        new("message.format.version", ConfigType.String, "3.0-IV1"),
        new("message.timestamp.after.max.ms", ConfigType.Long, "9223372036854775807", Min: 0),
        new("message.timestamp.before.max.ms", ConfigType.Long, "9223372036854775807", Min: 0),
        new("message.timestamp.difference.max.ms", ConfigType.Long, "9223372036854775807", Min: 0),
        new("message.timestamp.type", ConfigType.String, "CreateTime", ["CreateTime", "LogAppendTime"]),
        new("min.cleanable.dirty.ratio", ConfigType.Double, "0.5"),
        new("min.compaction.lag.ms", ConfigType.Long, "0", Min: 0),
        new("min.insync.replicas", ConfigType.Int, "1", Min: 1),
        new("preallocate", ConfigType.Boolean, "false"),
        new("retention.bytes", ConfigType.Long, "-1"),
        new("retention.ms", ConfigType.Long, "604800000", Min: -1),
        new("segment.bytes", ConfigType.Int, "1073741824", Min: 14),
        new("segment.index.bytes", ConfigType.Int, "10485760", Min: 4),
        new("segment.jitter.ms", ConfigType.Long, "0", Min: 0),
        new("segment.ms", ConfigType.Long, "604800000", Min: 1),
        new("unclean.leader.election.enable", ConfigType.Boolean, "false"),
    ];

    /// <summary>Only what was set on the topic.</summary>
    public IReadOnlyDictionary<string, string> Values => _values;

    public TopicLimits Limits { get; private set; }

    public string this[string name] => _values.GetValueOrDefault(name) ?? Definition(name)?.Default ?? throw new KeyNotFoundException(name);

    public static ConfigDefinition? Definition(string name) => Definitions.FirstOrDefault(d => d.Name == name);

    /// <summary>The first reason to refuse these settings; null when all are good.</summary>
    public static string? Refuse(IEnumerable<KeyValuePair<string, string?>> values)
    {
        foreach (var (name, value) in values)
        {
            if (Definition(name) is not { } definition)
                return $"Unknown topic config name: {name}";
            if (value is not null && definition.Refuse(value) is { } reason)
                return reason;
        }

        return null;
    }

    /// <summary>Replaces all settings; a null value means the default.</summary>
    public void Replace(IEnumerable<KeyValuePair<string, string?>> values)
    {
        _values = _values.Clear();
        Merge(values);
    }

    /// <summary>Sets some settings; a null value takes one back to its default.</summary>
    public void Merge(IEnumerable<KeyValuePair<string, string?>> values)
    {
        var next = _values.ToBuilder();
        foreach (var (name, value) in values)
        {
            if (value is null)
                next.Remove(name);
            else
                next[name] = value;
        }

        _values = next.ToImmutable();
        Limits = ReadLimits();
    }

    private TopicLimits ReadLimits()
    {
        var difference = Long("message.timestamp.difference.max.ms");
        return new TopicLimits(
            (int)Long("max.message.bytes"),
            this["message.timestamp.type"] == "LogAppendTime",
            Math.Min(difference, Long("message.timestamp.before.max.ms")),
            Math.Min(difference, Long("message.timestamp.after.max.ms")),
            this["cleanup.policy"].Split(',', StringSplitOptions.TrimEntries).Contains("compact"),
            (int)Long("min.insync.replicas")
        );
    }

    private long Long(string name) => long.Parse(this[name], CultureInfo.InvariantCulture);
}
