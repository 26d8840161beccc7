using System.Globalization;
using KafkaBackup.Engine.Rules;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Configuration;

/// <summary>
/// Settings to options: reads the file, lays parameters over it, applies defaults, checks everything that needs neither cluster nor store,
/// and names all that is missing in one error. Keeps the files it has read, so that several restores from one file warn once.
/// </summary>
/// <param name="baseDirectory">What relative paths in parameters are relative to (rule A6).</param>
/// <param name="variables">Environment variables by name; null for the process's own.</param>
/// <param name="redaction">Learns what came from variables.</param>
/// <param name="backends">Null for the known ones.</param>
public sealed partial class OptionsResolver(
    string baseDirectory,
    IEngineEvents events,
    TimeProvider clock,
    Func<string, string?>? variables = null,
    Redaction? redaction = null,
    StoreBackends? backends = null
)
{
    private readonly StoreBackends _backends = backends ?? StoreBackends.Known;
    private readonly Dictionary<string, object> _files = new(StringComparer.Ordinal);
    private readonly Func<string, string?> _variables = variables ?? Environment.GetEnvironmentVariable;
    private readonly Redaction _redaction = redaction ?? new Redaction();

    public BackupOptions Resolve(BackupSettings given)
    {
        var settings = given with { Store = Prepare(given.Store) };
        settings = given.ConfigPath is { } path
            ? SettingsMerge.Merge(settings, Load(path, (file, full) => file.ReadBackup(full)))
            : settings;
        Require([.. ClusterRules.Missing(settings.Source, "source"), .. StoreRules.Missing(settings.Store)]);
        var now = clock.GetUtcNow();
        CheckDuration(settings);
        CheckCut(settings, now);
        var options = new BackupOptions
        {
            Source = Check(settings.Source, "source"),
            Store = Resolve(settings.Store!),
            BackupId = NameRules.CheckBackupId(
                settings.BackupId ?? string.Create(CultureInfo.InvariantCulture, $"backup-{now:yyyyMMdd-HHmmss}")
            ),
            Topics = Select(settings.Topics, settings.ExcludeTopics, settings.IncludeInternalTopics ?? false, settings.InternalTopics),
            CompressionLevel = CheckLevel(settings.Compression ?? CompressionKind.Zstd, settings.CompressionLevel),
            Health = settings.Health ?? new HealthSettings(),
        };
        return Fill(options, settings);
    }

    public RestoreOptions Resolve(RestoreSettings given)
    {
        var settings = given with { Store = Prepare(given.Store) };
        settings = given.ConfigPath is { } path
            ? SettingsMerge.Merge(settings, Load(path, (file, full) => file.ReadRestore(full)))
            : settings;
        Require([
            .. StoreRules.Missing(settings.Store),
            .. settings.BackupId is null ? ["the backup (-BackupId, or backup_id in the file)"] : Array.Empty<string>(),
            .. settings.Offline && settings.Target?.BootstrapServers is null ? [] : ClusterRules.Missing(settings.Target, "target"),
            .. GroupRules.Missing(settings),
        ]);
        var offsets = GroupRules.Decide(settings, events.Warning);
        var options = new RestoreOptions
        {
            Target = settings.Target?.BootstrapServers is null ? null : Check(settings.Target, "target"),
            Store = Resolve(settings.Store!),
            BackupId = NameRules.CheckBackupId(settings.BackupId!),
            Topics = Select(settings.Topics, settings.ExcludeTopics),
            Window = new TimeWindow(settings.TimeWindowStart, settings.TimeWindowEnd),
            OffsetStrategy = offsets.Strategy,
            IncludeOriginalOffsetHeader = offsets.AddHeaders,
            MostKeptRecords = settings.ProduceBatchSize,
            TopicConfigOverrides = settings.TopicConfigOverrides is { } configs
                ? TopicConfigOverrides.From(configs)
                : TopicConfigOverrides.None,
            Health = settings.Health ?? new HealthSettings(),
            Deep = settings.Deep,
            Offline = settings.Offline,
        };
        return Fill(options, settings);
    }

    /// <summary>
    /// A cluster that is named by parameters alone. Null and incomplete ones are refused with all that is missing; unsafe ones are warned
    /// of.
    /// </summary>
    public ClusterSettings Resolve(ClusterSettings? settings, string side = "source")
    {
        var cluster = Check(settings, side);
        foreach (var risk in ClientOptionRules.Risks(cluster))
        {
            events.Warning($"{risk.Message} {risk.Advice}");
        }

        return cluster;
    }

    private ClusterSettings Check(ClusterSettings? settings, string side)
    {
        Require([.. ClusterRules.Missing(settings, side)]);
        return ClusterRules.Check(settings!, baseDirectory);
    }

    /// <summary>A store that is named by parameters alone.</summary>
    public StoreSettings Resolve(StoreSettings? settings)
    {
        var checkedSettings = StoreRules.Check(settings ?? new StoreSettings(), baseDirectory, _backends);
        Require([.. StoreRules.Missing(checkedSettings)]);
        return checkedSettings;
    }

    /// <summary>Before the file is laid under: keys that came as options must be seen as keys by then.</summary>
    private StoreSettings? Prepare(StoreSettings? given) => given is null ? null : StoreRules.Check(given, baseDirectory, _backends);

    private static void Require(IReadOnlyList<string> missing)
    {
        if (missing.Count > 0)
        {
            throw ErrorIds.MissingSettings.With($"Not given: {string.Join("; ", missing)}.", string.Join("; ", missing));
        }
    }

    private T Load<T>(string path, Func<ConfigFile, string, T> read)
        where T : class
    {
        var full = Path.GetFullPath(path, baseDirectory);
        if (!_files.TryGetValue(full, out var settings))
        {
            settings = read(new ConfigFile(Variable, clock.GetUtcNow(), events.Warning, _backends), full);
            _files[full] = settings;
        }

        return (T)settings;
    }

    private string? Variable(string name)
    {
        var value = _variables(name);
        if (!string.IsNullOrEmpty(value))
        {
            _redaction.Learn(name, value);
        }

        return value;
    }

    private static TopicSelection Select(
        IReadOnlyList<string>? include,
        IReadOnlyList<string>? exclude,
        bool includeInternal = false,
        IReadOnlyList<string>? internalTopics = null
    ) =>
        include is { Count: 0 }
            ? throw ErrorIds.ConfigOutOfRange.With(
                "The list of topics is empty.",
                "Topic",
                "Leave it out for all topics, or name at least one."
            )
            : new TopicSelection(include ?? ["*"], exclude, includeInternal, internalTopics);

    private static int CheckLevel(CompressionKind kind, int? level)
    {
        if (level is null)
        {
            return CompressionLevels.Default(kind);
        }

        if (kind == CompressionKind.None)
        {
            throw ErrorIds.ConfigConflict.With("A compression level is given, but compression is none.", "CompressionLevel");
        }

        return CompressionLevels.Has(kind, level.Value)
            ? level.Value
            : throw ErrorIds.ConfigOutOfRange.With(
                $"The compression level must be from {CompressionLevels.Lowest} to {CompressionLevels.Highest(kind)} for {EnumText.Spell(kind)}, but is {level}.",
                "CompressionLevel"
            );
    }

    private static void CheckDuration(BackupSettings settings)
    {
        if (settings.Duration is { } duration && (settings.Continuous != true || duration <= TimeSpan.Zero))
        {
            throw settings.Continuous == true
                ? ErrorIds.ConfigOutOfRange.With("The duration of a continuous backup must be greater than zero.", "Duration")
                : ErrorIds.ConfigConflict.With(
                    "A duration is given, but the backup is not continuous: it ends by itself.",
                    "Duration",
                    "Add -Continuous, or leave -Duration out."
                );
        }
    }

    private static void CheckCut(BackupSettings settings, DateTimeOffset now)
    {
        if (settings.ConsistentAt is not { } cut)
        {
            return;
        }

        if (settings.Continuous == true)
        {
            throw ErrorIds.ConsistentCutImpossible.With(
                "A continuous backup has no end, so it cannot be cut at one instant (consistent_at).",
                "ConsistentAt"
            );
        }

        if (cut.Milliseconds > now.ToUnixTimeMilliseconds())
        {
            throw ErrorIds.ConsistentCutImpossible.With(
                $"The cut at {cut.Milliseconds} ({KafkaTime.ToDateTimeOffset(cut.Milliseconds):yyyy-MM-ddTHH:mm:ss.fffZ}) is in the future; it is {now:yyyy-MM-ddTHH:mm:ss.fffZ}.",
                "ConsistentAt"
            );
        }
    }

    private static int[]? CheckPartitions(IReadOnlyList<int>? partitions) =>
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

    private static IReadOnlyDictionary<int, int>? CheckPartitionMap(IReadOnlyDictionary<int, int>? map) =>
        map
            ?.Where(entry => !IsPartition(entry.Key) || !IsPartition(entry.Value))
            .Select(entry => $"{entry.Key}: {entry.Value}")
            .FirstOrDefault()
            is { } wrong
            ? throw ErrorIds.ConfigOutOfRange.With(
                $"The partition mapping {wrong} names a partition that cannot exist.",
                "PartitionMap",
                FormattableString.Invariant($"Partitions count from 0 to {NameRules.HighestPartition:N0} at most.")
            )
            : map;

    private static bool IsPartition(int number) => number is >= 0 and <= NameRules.HighestPartition;

    private static IReadOnlyDictionary<string, string>? CheckTopics(IReadOnlyDictionary<string, string>? map) =>
        map?.SelectMany(entry => new[] { entry.Key, entry.Value }).FirstOrDefault(name => !NameRules.IsTopicName(name)) is { } wrong
            ? throw ErrorIds.ConfigWrongType.With(
                $"'{wrong}' in the topic mapping cannot be a topic's name.",
                wrong,
                "Names have letters, digits, '.', '_' and '-', at most 249 of them; patterns cannot be mapped."
            )
            : map;

    private static int? CheckFactor(int? factor) =>
        factor is null or -1 or (> 0 and <= short.MaxValue)
            ? factor
            : throw ErrorIds.ConfigOutOfRange.With(
                $"The replication factor must be -1 or from 1 to {short.MaxValue}, but is {factor}.",
                "ReplicationFactor"
            );

    private static T? InRange<T>(T? value, T least, T most, string name)
        where T : struct, IComparable<T>, IFormattable
    {
        if (value is null || (value.Value.CompareTo(least) >= 0 && value.Value.CompareTo(most) <= 0))
        {
            return value;
        }

        var limit = value.Value.CompareTo(least) < 0 ? $"at least {Shown(least)}" : $"at most {Shown(most)}";
        throw ErrorIds.ConfigOutOfRange.With($"{name} must be {limit}, but is {Shown(value.Value)}.", name);

        static string Shown(T number) => number.ToString(number is TimeSpan ? "c" : "N0", CultureInfo.InvariantCulture);
    }

    private string? Absolute(string? path) => path is null ? null : Path.GetFullPath(path, baseDirectory);
}
