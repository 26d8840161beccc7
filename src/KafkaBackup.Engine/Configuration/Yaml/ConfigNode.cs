namespace KafkaBackup.Engine.Configuration.Yaml;

/// <summary>Where something stands in a file; both count from one.</summary>
internal readonly record struct Position(int Line, int Column);

/// <summary>A value of a configuration file, with its place. Variables are expanded already.</summary>
internal abstract record ConfigNode(Position At);

/// <param name="IsNull">Nothing was written, or YAML's null: <c>null</c> or a lone <c>~</c>.</param>
/// <param name="IsQuoted">Written in quotes or as a block: text, whatever it looks like.</param>
/// <param name="FromVariable">At least a part came from the environment.</param>
internal sealed record ConfigScalar(Position At, string Text, bool IsNull = false, bool IsQuoted = false, bool FromVariable = false)
    : ConfigNode(At);

internal sealed record ConfigList(Position At, IReadOnlyList<ConfigNode> Items) : ConfigNode(At);

/// <summary>Keys are distinct.</summary>
internal sealed record ConfigMap(Position At, IReadOnlyList<ConfigEntry> Entries) : ConfigNode(At)
{
    public ConfigNode? Find(string key) => Entries.FirstOrDefault(entry => entry.Key.Text == key)?.Value;
}

internal sealed record ConfigEntry(ConfigScalar Key, ConfigNode Value);
