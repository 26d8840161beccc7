using System;
using System.Collections.Generic;
using System.Globalization;

namespace KafkaBackup.Build.Settings;

/// <summary>How a kind of value is written in each place.</summary>
/// <remarks>{0} is the limits or the enumeration, {1} the upper limit, {p} the parameter, {s} the setting's value.</remarks>
internal sealed class Kind(
    string type,
    string form,
    string parameterType,
    string attributes = "",
    string bind = "{p}",
    string check = "{s}"
)
{
    private const string Topics = "[System.Management.Automation.ArgumentCompleter(typeof(TopicCompleter))] [TextListForm] ";
    private const string Numbers = "System.Collections.Generic.IReadOnlyList<int>";
    private const string Texts = "System.Collections.Generic.IReadOnlyList<string>";
    private const string Map = "System.Collections.Generic.IReadOnlyDictionary";

    private static readonly Dictionary<string, Kind> All = new()
    {
        ["text"] = new("string", "Forms.Text", "string"),
        ["path"] = new("string", "Forms.Path", "string", "", "SessionPath.File(SessionState, {p})", "Absolute({s})"),
        ["bool"] = new("bool", "Forms.Boolean", "SwitchParameter", "", "Given({p})"),
        ["int"] = new("int", "Forms.Int({0})", "int", check: "InRange({s}, {0}, {n})"),
        ["whole"] = new("long", "Forms.Whole({0})", "long", check: "InRange({s}, {0}, {n})"),
        ["bytes"] = new("long", "Forms.Bytes({0})", "long", "[SizeForm] ", check: "InRange({s}, {0}, {n})"),
        ["seconds"] = new(
            "System.TimeSpan",
            "Forms.Seconds({0})",
            "System.TimeSpan",
            "[DurationForm] ",
            check: "InRange({s}, System.TimeSpan.Zero, System.TimeSpan.FromSeconds({1}), {n})"
        ),
        ["milliseconds"] = new("System.TimeSpan", "Forms.Milliseconds({0})", "System.TimeSpan", "[DurationForm] "),
        ["duration"] = new("System.TimeSpan", "", "System.TimeSpan", "[DurationForm] "),
        ["choice"] = new("KafkaBackup.{0}", "Forms.Choice<{0}>()", "KafkaBackup.{0}", "[EnumForm<KafkaBackup.{0}>] "),
        ["time-from"] = new("long", "Forms.TimeFrom", "TimePoint", "[TimeForm(RoundUp = true)] ", "TimeFormAttribute.Milliseconds({p})"),
        ["time-to"] = new("long", "Forms.TimeTo", "TimePoint", "[TimeForm] ", "TimeFormAttribute.Milliseconds({p})"),
        ["instant"] = new("TimePoint", "Forms.TimeOrNow", "TimePoint", "[TimeForm] "),
        ["backup-id"] = new(
            "string",
            "Forms.BackupId",
            "string",
            "[System.Management.Automation.ArgumentCompleter(typeof(BackupIdCompleter))] "
        ),
        ["topic-patterns"] = new(Texts, "Forms.PatternsOf(Forms.TopicPattern)", "string[]", Topics),
        ["name-patterns"] = new(Texts, "Forms.PatternsOf(Forms.NamePattern)", "string[]", "[TextListForm] "),
        ["partitions"] = new(
            Numbers,
            "Forms.ListOf(Forms.Int(0, int.MaxValue), mayBeEmpty: false)",
            "int[]",
            check: "CheckPartitions({s})"
        ),
        ["topic-map"] = new(
            Map + "<string, string>",
            "Forms.MapOf(Forms.Topic, Forms.Topic)",
            "System.Collections.Hashtable",
            "[MapForm] ",
            "Maps.OfText({p}, nameof({p}))",
            "CheckTopics({s})"
        ),
        ["partition-map"] = new(
            Map + "<int, int>",
            "Forms.MapOf(Forms.Int(0, NameRules.HighestPartition), Forms.Int(0, NameRules.HighestPartition))",
            "System.Collections.Hashtable",
            "[MapForm] ",
            "Maps.OfNumbers({p}, nameof({p}))",
            "CheckPartitionMap({s})"
        ),
        ["replication-factor"] = new("int", "JobForms.ReplicationFactor", "int", check: "CheckFactor({s})"),
        ["compression-level"] = new("int", "JobForms.CompressionLevel", "int"),
        ["start-offset"] = new("StartOffsets", "JobForms.StartOffset", "StartOffsets", "[StartOffsetForm] "),
        ["topic-configs"] = new(
            Map + "<string, " + Map + "<string, string>>",
            "JobForms.TopicConfigs",
            "System.Collections.Hashtable",
            "[MapForm] ",
            "Maps.OfTopicConfigs({p}, nameof({p}))"
        ),
        // Parameters only.
        ["names"] = new("", "", "string[]", "[TextListForm] "),
        ["map"] = new("", "", "System.Collections.Hashtable", "[MapForm] "),
        ["store-path"] = new("", "", "string"),
        ["piped-map"] = new("", "", "System.Collections.Hashtable", "[MapForm] "),
        ["credential"] = new("", "", "PSCredential"),
        ["secret"] = new("", "", "System.Security.SecureString"),
    };

    public static Kind Of(Setting setting) =>
        All.TryGetValue(setting.Kind, out var kind)
            ? kind
            : throw new FormatException($"settings.table: '{setting.Kind}' of {setting.Property}{setting.Parameter} is not a kind");

    public string Type(Setting setting) => Put(type, setting);

    public string Form(Setting setting) => Put(form, setting);

    public string Check(Setting setting) => Put(check, setting);

    public string Bind(Setting setting) => (setting.IsInverse ? "!" : "") + Put(bind, setting);

    /// <summary>Attributes, type and name.</summary>
    public string Parameter(Setting setting)
    {
        var binding = setting.Kind switch
        {
            "store-path" => "(Position = 0, ValueFromPipelineByPropertyName = true)",
            "piped-map" or "backup-id" => "(ValueFromPipelineByPropertyName = true)",
            _ => "",
        };
        var optional = setting.Kind == "bool" ? "" : "?";
        return $"[Parameter{binding}] {Put(attributes, setting)}public {Put(parameterType, setting)}{optional} {setting.Parameter}";
    }

    /// <summary>The default in C#; empty for none.</summary>
    public static string Default(Setting setting) =>
        setting.Default.Length == 0 || setting.Default.Contains(".")
            ? setting.Default
            : setting.Kind switch
            {
                "seconds" => $"System.TimeSpan.FromSeconds({setting.Default})",
                "milliseconds" => $"System.TimeSpan.FromMilliseconds({setting.Default})",
                "choice" => $"KafkaBackup.{setting.KindArgument}.{setting.Default}",
                "topic-map" => "new System.Collections.Generic.Dictionary<string, string>()",
                "partition-map" => "new System.Collections.Generic.Dictionary<int, int>()",
                _ => Number(setting.Default),
            };

    private static string Put(string pattern, Setting setting)
    {
        var argument = setting.KindArgument;
        var most = "";
        var dots = argument.IndexOf("..", StringComparison.Ordinal);
        if (dots >= 0)
        {
            var highest = argument.Substring(dots + 2);
            var biggest = setting.Kind == "int" ? "int.MaxValue" : "long.MaxValue";
            most = highest == "max" ? biggest : Number(highest);
            argument = $"{Number(argument.Substring(0, dots))}, {most}";
        }

        var name = setting.Parameter.Length > 0 ? setting.Parameter : setting.Key.Substring(setting.Key.LastIndexOf('.') + 1);
        return pattern
            .Replace("{0}", argument)
            .Replace("{1}", most)
            .Replace("{p}", setting.Parameter)
            .Replace("{s}", "settings." + setting.Property)
            .Replace("{n}", $"\"{name}\"");
    }

    /// <summary>Numbers may end in K, M, G or T.</summary>
    private static string Number(string text)
    {
        var unit = "KMGT".IndexOf(text[text.Length - 1]);
        return
            unit >= 0 && long.TryParse(text.Substring(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? (count << (10 * (unit + 1))).ToString(CultureInfo.InvariantCulture)
            : text;
    }
}
