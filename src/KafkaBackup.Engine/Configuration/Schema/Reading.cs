using KafkaBackup.Engine.Configuration.Yaml;

namespace KafkaBackup.Engine.Configuration.Schema;

/// <summary>A place in the schema while a file is read: makes errors that name file, line, column and key.</summary>
/// <param name="Path">The key with its parents: <c>restore.time_window_start</c>.</param>
/// <param name="Now">What relative times refer to.</param>
internal sealed record Reading(ConfigOrigin Origin, string Path, DateTimeOffset Now, Action<string> Warn)
{
    /// <summary>Every key of the schema, for "it belongs under ...".</summary>
    public IReadOnlyList<string> KnownPaths { get; init; } = [];

    public Reading Below(string key) => this with { Path = Path.Length == 0 ? key : $"{Path}.{key}" };

    public KafkaBackupException WrongType(ConfigNode node, string wanted, string? advice = null) =>
        ErrorIds.ConfigWrongType.With(
            $"{Origin.Locate(node.At)}: {Path} must be {wanted}, but is {Describe(node)}.",
            Path,
            advice ?? $"Give {wanted}."
        );

    public KafkaBackupException OutOfRange(ConfigNode node, string wanted) =>
        ErrorIds.ConfigOutOfRange.With(
            $"{Origin.Locate(node.At)}: {Path} must be {wanted}, but is {Describe(node)}.",
            Path,
            $"Give {wanted}."
        );

    public KafkaBackupException Conflict(ConfigNode node, string message, string? advice = null) =>
        ErrorIds.ConfigConflict.With($"{Origin.Locate(node.At)}: {message}", Path, advice);

    /// <summary>Runs a parser that knows nothing of files and puts place and key before what it says.</summary>
    public V Located<V>(ConfigNode node, Func<V> parse)
    {
        try
        {
            return parse();
        }
        catch (KafkaBackupException e)
        {
            throw e.Definition.With($"{Origin.Locate(node.At)}: {Path}: {e.Message}", Path, e.Advice, e);
        }
    }

    // What came from a variable may be a secret in the wrong place: it is not repeated.
    private static string Describe(ConfigNode node) =>
        node switch
        {
            ConfigScalar { IsNull: true, Text: "~" } =>
                "'~', which is YAML for nothing (a pattern that begins with ~ is written as \"~^pay\")",
            ConfigScalar { IsNull: true } => "empty",
            ConfigScalar { FromVariable: true } => "something else (its value comes from a variable)",
            ConfigScalar { IsQuoted: true } scalar => $"the text {Redaction.Show(scalar.Text)}",
            ConfigScalar scalar => Redaction.Show(scalar.Text),
            ConfigList => "a list",
            _ => "a group of keys",
        };
}
