using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Works out one backup's restore, exact to the record, before anything is written (rule D1). What a user can get wrong with names, times
/// and maps is an error at once; what is wrong with backup or target is a finding, so that one dry run shows all of it.
/// </summary>
internal sealed class RestorePlanner(
    BackupCatalog catalog,
    OpenedBackup backup,
    IKafkaCluster? cluster,
    RestoreOptions options,
    TimeProvider clock,
    IEngineEvents events
)
{
    private const long PoolBytes = 32L << 20;

    private readonly List<Finding> _findings = [];
    private EarlierRun? _earlier;

    public async Task<RestoreWork> PlanAsync(PlannedTogether together, CancellationToken cancel)
    {
        _findings.AddRange(options.Target is null ? [] : ClientOptionRules.Risks(options.Target));
        _findings.AddRange(backup.Findings);
        var place = $"Backup '{options.BackupId}' in {catalog.Store.Location}";
        var selected = TargetMapping.Select(backup.Manifest, options, place, together);
        _earlier = await EarlierRun
            .FindAsync(
                options,
                selected.Select(s => TargetMapping.TargetOf(s.Topic.Name, s.Partition.Partition, options)).ToHashSet(),
                cluster,
                cancel
            )
            .ConfigureAwait(false);
        _findings.AddRange(new[] { _earlier?.Going, _earlier?.Growth(selected, options.Window) }.OfType<Finding>());

        selected = _earlier?.Limit(selected, options) ?? selected;
        var sources = await SelectRecordsAsync(selected, cancel).ConfigureAwait(false);
        RequireRecords(sources, selected, place);
        _findings.AddRange(TargetMapping.Check(sources, options, together));
        AddBackupFindings(sources);

        var topicOf = selected.Select(s => s.Topic).DistinctBy(t => t.Name).ToDictionary(t => t.Name, StringComparer.Ordinal);
        var byTarget = sources
            .GroupBy(s => TargetMapping.TargetOf(s.Source.Topic, s.Source.Partition, options))
            .OrderBy(t => t.Key)
            .Select(t => (Target: t.Key, Sources: t.OrderBy(s => s.Source).ToArray()))
            .ToArray();
        var sourceTopics = byTarget
            .GroupBy(t => t.Target.Topic, StringComparer.Ordinal)
            .ToDictionary(
                t => t.Key,
                t => (IReadOnlyList<TopicEntry>)t.SelectMany(p => p.Sources).Select(s => topicOf[s.Source.Topic]).Distinct().ToArray(),
                StringComparer.Ordinal
            );
        var look = cluster is null
            ? null
            : await LookAtTargetAsync(sourceTopics, byTarget.Select(t => t.Target).ToArray(), cancel).ConfigureAwait(false);

        var topics = new List<TopicWork>();
        foreach (var topic in byTarget.GroupBy(t => t.Target.Topic, StringComparer.Ordinal))
        {
            var there = look?.Topics[topic.Key];
            var configs = there?.Configs ?? CreationPlanner.ConfigsOf(sourceTopics[topic.Key][0], options);
            var targets = topic.Select(t => Target(t.Target, t.Sources, configs)).ToArray();
            var needed = targets.Max(t => t.Target.Partition) + 1;
            if (there is null || there.Create is not null)
            {
                _findings.AddRange(CreationPlanner.CheckPartitions(topic.Key, sourceTopics[topic.Key], needed));
            }

            AddTraps(topic.Key, there, targets, sourceTopics[topic.Key], configs);
            topics.Add(
                new TopicWork
                {
                    TargetTopic = topic.Key,
                    Sources = sourceTopics[topic.Key],
                    Create = there?.Create,
                    TargetPartitionCount = there?.Partitions ?? Math.Max(needed, sourceTopics[topic.Key].Max(s => s.PartitionCount)),
                    Targets = targets,
                }
            );
        }

        return new RestoreWork
        {
            Options = options,
            Backup = backup,
            Topics = topics,
            Findings = _findings,
            TargetClusterId = look?.ClusterId,
            Resuming = Resuming,
            MarkedPlans = _earlier?.MarkedPlans ?? new Dictionary<TopicPartition, string>(),
            Checkpoint = _earlier?.Checkpoint,
            PlannedEnds = byTarget
                .Where(t => look?.Ends.ContainsKey(t.Target) == true)
                .ToDictionary(t => t.Target, t => look!.Ends[t.Target]),
            ContentsProven = SourcePlanner.IsDeep(options) && !backup.IsForeign,
        };
    }

    /// <summary>An interrupted restore's records are no reason to refuse its own resume.</summary>
    private IReadOnlySet<TopicPartition> Resuming => _earlier?.Targets ?? new HashSet<TopicPartition>();

    private static TargetWork Target(
        TopicPartition target,
        IReadOnlyList<SourceWork> sources,
        IReadOnlyDictionary<string, string> configs
    ) =>
        new(target, sources)
        {
            MaxBatchBytes = LaneWriter.LargestBatch(configs),
            TargetStampsRecords = configs.GetValueOrDefault(TargetConfigRisks.TimestampType) == TargetConfigRisks.LogAppendTime,
        };

    private async Task<IReadOnlyList<SourceWork>> SelectRecordsAsync(
        IReadOnlyList<(TopicEntry Topic, PartitionEntry Partition)> selected,
        CancellationToken cancel
    )
    {
        using var pool = new BlockBufferPool(PoolBytes);
        var planner = new SourcePlanner(catalog, backup, options, _earlier, pool, events);
        var sources = new List<SourceWork>(selected.Count);
        foreach (var (topic, partition) in selected)
        {
            sources.Add(
                await planner.PlanAsync(new TopicPartition(topic.Name, partition.Partition), partition, cancel).ConfigureAwait(false)
            );
        }

        _findings.AddRange(planner.Findings);
        if (options.PurgeTopics)
        {
            KeepTargetsOfDamagedBackups();
        }

        return sources;
    }

    /// <summary>Force is always there when topics are emptied, so it cannot also mean "although the backup is damaged" (rule E8).</summary>
    private void KeepTargetsOfDamagedBackups()
    {
        for (var i = 0; i < _findings.Count; i++)
        {
            if (
                _findings[i] is
                { Severity: FindingSeverity.Error, Kind: FindingKind.Missing or FindingKind.Truncated or FindingKind.Corrupt } damage
            )
            {
                _findings[i] = damage with
                {
                    CanForce = false,
                    Advice =
                        "Put the file back from a copy. Target topics are never emptied for a damaged backup; restore what is left of it to another topic, without purging.",
                };
            }
        }
    }

    private void RequireRecords(
        IReadOnlyList<SourceWork> sources,
        IReadOnlyList<(TopicEntry Topic, PartitionEntry Partition)> selected,
        string place
    )
    {
        if (options.Window.IsUnbounded || sources.Any(s => s.RecordCount > 0) || _findings.Any(f => f.Severity == FindingSeverity.Error))
        {
            return;
        }

        var segments = selected.SelectMany(s => s.Partition.Segments).ToArray();
        var held =
            segments.Length == 0 || backup.IsForeign
                ? ""
                : $" It holds records from {Time(segments.Min(s => s.MinTimestamp))} to {Time(segments.Max(s => s.MaxTimestamp))}.";
        throw ErrorIds.NothingMatched.With($"{place} has no record in the window {options.Window}.{held}", options.BackupId);
    }

    private static string Time(long ms) => KafkaTime.ToDateTimeOffset(ms) is { } time ? $"{time:yyyy-MM-ddTHH:mm:ss.fffZ}" : $"{ms} ms";

    private void AddBackupFindings(IReadOnlyList<SourceWork> sources)
    {
        if (!backup.Manifest.Complete)
        {
            _findings.Add(
                new Finding(
                    FindingSeverity.Warning,
                    FindingKind.Incomplete,
                    options.BackupId,
                    "The backup's last run did not reach all captured ends; what it stored is consistent up to there.",
                    "Run the backup again first if its source is still there."
                )
            );
        }

        foreach (var source in sources)
        {
            var partition = backup.Manifest.Topics[source.Source.Topic].Partitions[source.Source.Partition];
            foreach (var gap in partition.Gaps)
            {
                _findings.Add(
                    new Finding(
                        FindingSeverity.Warning,
                        FindingKind.Gap,
                        source.Source.ToString(),
                        $"Offsets {gap.FromOffset} to {gap.ToOffset - 1} are not in the backup: {gap.Reason.TrimEnd('.')}.",
                        LeftOutSegment.KeyOf(gap) is null
                            ? "They were gone from the source before they could be read."
                            : "Put that file back from a copy and run Repair-KafkaBackup first, if there is one."
                    )
                );
            }
        }
    }

    private async Task<TargetLook> LookAtTargetAsync(
        IReadOnlyDictionary<string, IReadOnlyList<TopicEntry>> sources,
        TopicPartition[] targets,
        CancellationToken cancel
    )
    {
        var checks = new TargetChecks(cluster!, options, backup.Manifest.SourceClusterId, clock);
        var look = await checks.LookAsync(sources, targets, Resuming, cancel).ConfigureAwait(false);
        if (_earlier?.Checkpoint is { } checkpoint)
        {
            // Before the first write, not on the way to it (rule E3).
            new CheckpointFile(options.CheckpointPath!).RequireSameTarget(checkpoint, look.ClusterId);
        }

        _findings.AddRange(look.Findings);
        return look;
    }

    private void AddTraps(
        string topic,
        TargetTopicLook? there,
        IReadOnlyList<TargetWork> targets,
        IReadOnlyList<TopicEntry> sources,
        IReadOnlyDictionary<string, string> configs
    )
    {
        var segments = targets.SelectMany(t => t.Sources).SelectMany(s => s.Segments).ToArray();
        if (segments.Length > 0)
        {
            var asked = sources.Any(s => options.TopicConfigOverrides.For(s.Name).ContainsKey(TargetConfigRisks.TimestampType));
            var facts = new TopicFacts(
                topic,
                there?.Create is not null,
                asked,
                there?.ReplicationFactor ?? 0,
                segments.Min(s => s.MinTimestamp),
                segments.Max(s => s.MaxTimestamp),
                segments.Max(s => s.LargestRecord),
                targets.Sum(t => t.Bytes),
                targets.Max(t => t.Bytes),
                sources
            );
            _findings.AddRange(TargetConfigRisks.Find(facts, configs, clock.GetUtcNow().ToUnixTimeMilliseconds()));
        }
    }
}
