using KafkaBackup.Engine.Configuration;

namespace KafkaBackup.Engine.Compare;

/// <summary>A comparison's settings, checked.</summary>
internal sealed record CompareOptions
{
    public required CompareSide Reference { get; init; }
    public required CompareSide Difference { get; init; }
    public required TopicSelection Topics { get; init; }
    public required IReadOnlyList<string>? DifferenceTopics { get; init; }
    public required IReadOnlyList<int>? Partitions { get; init; }
    public required long? MaxRecords { get; init; }
    public required long? FromOffset { get; init; }
    public required AlignMode Align { get; init; }
    public required bool CommonTail { get; init; }
    public required IsolationLevel Isolation { get; init; }
    public required bool IgnoreKey { get; init; }
    public required bool IgnoreValue { get; init; }
    public required bool IgnoreTimestamp { get; init; }
    public required PatternSet? IgnoreHeaders { get; init; }

    public static CompareOptions From(CompareSettings settings, OptionsResolver resolver)
    {
        string[] missing = [.. Missing(settings.Reference, ""), .. Missing(settings.Difference, "Difference")];
        if (missing.Length > 0)
        {
            throw ErrorIds.MissingSettings.With($"Not given: {string.Join("; ", missing)}.", string.Join("; ", missing));
        }

        var reference = Resolve(settings.Reference!, resolver, "reference");
        return new CompareOptions
        {
            Reference = reference,
            Difference = settings.Difference! == settings.Reference! ? reference : Resolve(settings.Difference!, resolver, "difference"),
            Topics = settings.Topics is { Count: 0 }
                ? throw ErrorIds.ConfigOutOfRange.With(
                    "The list of topics is empty.",
                    "Topic",
                    "Leave it out for all topics, or name at least one."
                )
                : new TopicSelection(settings.Topics ?? ["*"], settings.ExcludeTopics),
            DifferenceTopics = settings.DifferenceTopics,
            Partitions = Check(settings.Partitions),
            MaxRecords = settings.MaxRecords is null or > 0
                ? settings.MaxRecords
                : throw ErrorIds.ConfigOutOfRange.With($"MaxRecord must be at least 1, but is {settings.MaxRecords}.", "MaxRecord"),
            FromOffset = settings.FromOffset is null or >= 0
                ? settings.FromOffset
                : throw ErrorIds.ConfigOutOfRange.With($"FromOffset must be at least 0, but is {settings.FromOffset}.", "FromOffset"),
            Align = settings.Align,
            CommonTail = settings.CommonTail,
            Isolation = settings.IsolationLevel,
            IgnoreKey = settings.IgnoreKey,
            IgnoreValue = settings.IgnoreValue,
            IgnoreTimestamp = settings.IgnoreTimestamp,
            IgnoreHeaders = settings.IgnoreHeaders is { Count: > 0 } patterns ? PatternSet.ForNames(patterns) : null,
        };
    }

    private static IEnumerable<string> Missing(CompareSide? side, string prefix)
    {
        var name = prefix.Length == 0 ? "the reference side" : "the difference side";
        if (side is null || (side.Cluster is null && side.Store is null))
        {
            yield return side?.BackupId is null
                ? $"{name} (-{prefix}BootstrapServer, or -{prefix}Path with -{prefix}BackupId)"
                : $"{name}'s store (-{prefix}Path)";
        }
        else if (side.Cluster is null && side.BackupId is null)
        {
            yield return $"{name}'s backup (-{prefix}BackupId)";
        }
    }

    private static CompareSide Resolve(CompareSide side, OptionsResolver resolver, string name)
    {
        if (side.Cluster is not null && (side.Store is not null || side.BackupId is not null))
        {
            throw ErrorIds.ConfigConflict.With($"For the {name} side both a cluster and a backup are given.", name, "Give one of them.");
        }

        return side.Cluster is not null
            ? new CompareSide { Cluster = resolver.Resolve(side.Cluster, name) }
            : new CompareSide { Store = resolver.Resolve(side.Store), BackupId = NameRules.CheckBackupId(side.BackupId!) };
    }

    private static int[]? Check(IReadOnlyList<int>? partitions) =>
        partitions switch
        {
            null => null,
            { Count: 0 } => throw ErrorIds.ConfigOutOfRange.With(
                "The list of partitions is empty.",
                "Partition",
                "Leave it out for all partitions, or name at least one."
            ),
            _ when partitions.Any(p => p < 0) => throw ErrorIds.ConfigOutOfRange.With(
                $"{partitions.Min()} is not a partition.",
                "Partition",
                "Partitions count from 0."
            ),
            _ => partitions.Distinct().Order().ToArray(),
        };
}
