namespace KafkaBackup.Engine.Configuration;

/// <summary>Configs that created topics get instead of their source's: some for all topics, some for one.</summary>
public sealed record TopicConfigOverrides(
    IReadOnlyDictionary<string, string> ForAll,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> ByTopic
)
{
    public static TopicConfigOverrides None { get; } =
        new(new Dictionary<string, string>(), new Dictionary<string, IReadOnlyDictionary<string, string>>());

    /// <summary>What applies to one source topic; its own entries win over those for all.</summary>
    public IReadOnlyDictionary<string, string> For(string sourceTopic)
    {
        if (!ByTopic.TryGetValue(sourceTopic, out var own))
        {
            return ForAll;
        }

        var merged = new Dictionary<string, string>(ForAll, StringComparer.Ordinal);
        foreach (var (name, value) in own)
        {
            merged[name] = value;
        }

        return merged;
    }

    internal static TopicConfigOverrides From(IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> settings) =>
        new(
            settings.TryGetValue("", out var all) ? all : None.ForAll,
            settings.Where(entry => entry.Key.Length > 0).ToDictionary(entry => entry.Key, entry => entry.Value, StringComparer.Ordinal)
        );
}
