namespace KafkaBackup.Engine.Configuration.Yaml;

/// <summary>Where settings come from: what messages begin with, and what relative paths are relative to.</summary>
/// <param name="Name">The file's path, or the parameter's name.</param>
/// <param name="Folder">The folder for relative paths.</param>
/// <param name="HasLines">False for parameters.</param>
internal sealed record ConfigOrigin(string Name, string Folder, bool HasLines = true)
{
    public string Locate(Position at) => HasLines ? $"{Name}, line {at.Line}, column {at.Column}" : Name;

    public KafkaBackupException Syntax(Position at, string message, string? advice = null, Exception? inner = null) =>
        ErrorIds.ConfigSyntax.With($"{Locate(at)}: {message}", Name, advice, inner);
}
