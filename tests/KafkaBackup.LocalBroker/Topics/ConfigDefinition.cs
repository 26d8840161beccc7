using System.Globalization;

namespace KafkaBackup.LocalBroker.Topics;

/// <summary>The type numbers of DescribeConfigs.</summary>
internal enum ConfigType : sbyte
{
    Boolean = 1,
    String = 2,
    Int = 3,
    Long = 5,
    Double = 6,
    List = 7,
}

internal enum ConfigSource : sbyte
{
    DynamicTopic = 1,
    DynamicBroker = 2,
    StaticBroker = 4,
    Default = 5,
}

internal sealed record ConfigDefinition(string Name, ConfigType Type, string Default, string[]? Allowed = null, long Min = long.MinValue)
{
    /// <summary>Why a value is no good for this setting; null when it is.</summary>
    public string? Refuse(string value) =>
        Type switch
        {
            ConfigType.Boolean when value is not ("true" or "false") => Bad(value, "expected true or false"),
            ConfigType.Int when !int.TryParse(value, out _) => Bad(value, "not a number of type INT"),
            ConfigType.Long when !long.TryParse(value, out _) => Bad(value, "not a number of type LONG"),
            ConfigType.Double when !double.TryParse(value, CultureInfo.InvariantCulture, out _) => Bad(
                value,
                "not a number of type DOUBLE"
            ),
            ConfigType.Int or ConfigType.Long when long.Parse(value, CultureInfo.InvariantCulture) < Min => Bad(
                value,
                $"must be at least {Min}"
            ),
            ConfigType.String when Allowed is not null && !Allowed.Contains(value) => Bad(
                value,
                $"must be one of {string.Join(", ", Allowed)}"
            ),
            ConfigType.List when Allowed is not null && !value.Split(',', StringSplitOptions.TrimEntries).All(Allowed.Contains) => Bad(
                value,
                $"must be among {string.Join(", ", Allowed)}"
            ),
            _ => null,
        };

    private string Bad(string value, string why) => $"Invalid value {value} for configuration {Name}: {why}";
}
