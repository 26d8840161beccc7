using KafkaBackup.Engine.Configuration.Yaml;
using KafkaBackup.Engine.Rules;

namespace KafkaBackup.Engine.Configuration.Schema;

/// <summary>Forms of values that only one key has.</summary>
internal static class JobForms
{
    /// <summary>As wide as the widest compression's; which one it is, the other settings say.</summary>
    public static Form<int> CompressionLevel { get; } =
        Forms.Int(CompressionLevels.Lowest, CompressionLevels.Highest(CompressionKind.Zstd));

    public static Form<int> ReplicationFactor { get; } =
        new(
            "-1 or a whole number from 1 to 32767",
            (node, at) =>
                Forms.Int(-1, short.MaxValue).Read(node, at) is var factor && factor != 0
                    ? factor
                    : throw at.OutOfRange(node, "-1 or a whole number from 1 to 32767")
        );

    public static Form<StartOffsets> StartOffset { get; } =
        new(
            "earliest, latest, {topic: {partition: offset}}",
            (node, at) =>
            {
                if (node is ConfigScalar scalar)
                {
                    return scalar.Text.ToLowerInvariant() switch
                    {
                        "earliest" => StartOffsets.Earliest,
                        "latest" => StartOffsets.Latest,
                        _ => throw at.WrongType(node, "earliest, latest, or {topic: {partition: offset}}"),
                    };
                }

                var topics = Forms
                    .MapOf(Forms.Topic, Forms.MapOf(Forms.Int(0, int.MaxValue), Forms.Whole(0, long.MaxValue)))
                    .Read(node, at);
                return new StartOffsets
                {
                    Offsets = topics
                        .SelectMany(topic =>
                            topic.Value.Select(partition => (Place: new TopicPartition(topic.Key, partition.Key), Offset: partition.Value))
                        )
                        .ToDictionary(entry => entry.Place, entry => entry.Offset),
                };
            }
        );

    public static Form<IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>>> TopicConfigs { get; } =
        new(
            "{config: value} or {topic: {config: value}}",
            (node, at) =>
            {
                var map = node as ConfigMap ?? throw at.WrongType(node, "a group of keys (config: value, or topic: {config: value})");
                var forAll = new Dictionary<string, string>(StringComparer.Ordinal);
                var result = new Dictionary<string, IReadOnlyDictionary<string, string>>(StringComparer.Ordinal);
                foreach (var entry in map.Entries)
                {
                    var below = at.Below(entry.Key.Text);
                    if (entry.Value is ConfigMap)
                    {
                        result[Forms.Topic.Read(entry.Key, below)] = Forms.MapOf(Forms.Text, Forms.Text).Read(entry.Value, below);
                    }
                    else
                    {
                        forAll[entry.Key.Text] = Forms.Text.Read(entry.Value, below);
                    }
                }

                if (forAll.Count > 0)
                {
                    result[""] = forAll;
                }

                return result;
            }
        );
}
