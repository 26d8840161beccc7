using System.Globalization;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// The kafka-consumer-groups command that sets one offset (rule F5). Names come from whoever may commit an offset or wrote the report, and
/// the line is there to be pasted: a line is only made of names that no shell reads as anything else, so that one line is right for sh,
/// PowerShell and cmd.
/// </summary>
/// <param name="Text">Null where a name is not plain.</param>
internal sealed record ResetCommand(string? Text, ItemList<string> Arguments)
{
    private const string Program = "kafka-consumer-groups";

    /// <summary>
    /// On Windows the program is a batch file, and cmd reads some of these in arguments too, quoted or not; elsewhere PowerShell expands
    /// wildcards and ~ in arguments that come from a list.
    /// </summary>
    private const string Expanded = "\"%!&|<>^*?[]~";

    /// <summary>Null where not even the arguments are safe.</summary>
    public static ResetCommand? For(string bootstrap, string group, TopicPartition target, long offset)
    {
        var isGroup = group.Length > 0 && !group.Any(c => char.IsControl(c) || Expanded.Contains(c, StringComparison.Ordinal));
        if (!isGroup || !NameRules.IsTopicName(target.Topic) || bootstrap.Length == 0 || !bootstrap.All(IsAddress))
        {
            return null;
        }

        var (topic, to) = ($"{target.Topic}:{target.Partition}", offset.ToString(CultureInfo.InvariantCulture));
        var line = group.All(NameRules.IsTopicCharacter)
            ? $"{Program} --bootstrap-server {Quoted(bootstrap)} --group {Quoted(group)} --topic {Quoted(topic)} --reset-offsets --to-offset {to} --execute"
            : null;
        return new ResetCommand(
            line,
            ItemList.From<string>([
                "--bootstrap-server",
                bootstrap,
                "--group",
                group,
                "--topic",
                topic,
                "--reset-offsets",
                "--to-offset",
                to,
                "--execute",
            ])
        );
    }

    private static bool IsAddress(char c) => NameRules.IsTopicCharacter(c) || c is ':' or ',' or '[' or ']';

    /// <summary>Double quotes mean the same to all three shells as long as there is nothing in them to expand.</summary>
    private static string Quoted(string argument) =>
        char.IsAsciiLetterOrDigit(argument[0]) && argument.All(c => NameRules.IsTopicCharacter(c) || c == ':')
            ? argument
            : $"\"{argument}\"";
}
