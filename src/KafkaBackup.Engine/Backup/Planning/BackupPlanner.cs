using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Format.Compression;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Backup;

/// <summary>What a planned run starts from: everything known before the first write.</summary>
internal sealed record BackupWork(
    BackupOptions Options,
    Manifest? Stored,
    ClusterDescription Source,
    IReadOnlyList<TopicDescription> Topics,
    IReadOnlyDictionary<string, IReadOnlyList<TopicConfig>> Configs,
    IReadOnlyList<PartitionWork> Partitions,
    long? CutAtMs,
    IReadOnlyList<Finding> Findings
)
{
    /// <summary>Set when what the backup names is not in the store any more.</summary>
    public KafkaBackupException? Lost { get; init; }
}

/// <summary>Works out what a run is going to do, and refuses what can be refused, before anything is written.</summary>
internal sealed class BackupPlanner(
    IKafkaCluster cluster,
    BackupCatalog catalog,
    BackupOptions options,
    TimeProvider clock,
    IEngineEvents events
)
{
    public async Task<BackupWork> PlanAsync(CancellationToken cancel)
    {
        var cutAtMs = CutInstant();
        var (opened, source) = await ParallelPair
            .RunAsync(c => catalog.FindAsync(options.BackupId, c), cluster.DescribeAsync, cancel)
            .ConfigureAwait(false);
        if (opened is { IsForeign: true })
        {
            throw ErrorIds.BackupReadOnly.With(
                $"Backup '{options.BackupId}' in {catalog.Store.Location} was made by another tool.",
                options.BackupId,
                "Use another backup id."
            );
        }

        var findings = new List<Finding>([.. ClientOptionRules.Risks(options.Source), .. opened?.Findings ?? []]);
        var clusterId = options.SourceClusterId ?? source.ClusterId;
        if (opened?.Manifest.SourceClusterId is { } before && clusterId is not null && before != clusterId)
        {
            throw ErrorIds.SourceClusterChanged.With(
                $"Backup '{options.BackupId}' is of cluster {before}, but {cluster.Address} is cluster {clusterId}.",
                options.BackupId
            );
        }

        var topics = SourceTopics.Select(source, options, cluster.Address, findings);
        var configs = await cluster.DescribeConfigsAsync(topics.Select(t => t.Name).ToArray(), cancel).ConfigureAwait(false);
        var owner = opened?.Owner ?? new SegmentOwner(options.BackupId, options.BackupId);
        var capture = new SourceCapture(cluster, options, new LogMeeting(cluster, catalog.Store, owner, clock), _ => true, clock, events);
        var partitions = await capture.CaptureAsync(topics, configs, opened?.Manifest, cutAtMs, cancel).ConfigureAwait(false);
        if (partitions.All(p => p.Refused is not null))
        {
            // Nothing at all can be read: an error before anything is written, not a backup of nothing.
            throw partitions[0].Refused!;
        }

        findings.AddRange(Troubles(partitions));
        findings.AddRange(CutFindings.Of(partitions));
        var lost = opened is null
            ? null
            : await NewestSegments
                .FindMissingAsync(catalog.Store, options.BackupId, opened.Manifest, topics.Select(t => t.Name), cancel)
                .ConfigureAwait(false);
        if (lost is not null)
        {
            findings.Add(new Finding(FindingSeverity.Error, FindingKind.Missing, options.BackupId, lost.Message, lost.Advice));
        }

        return new BackupWork(
            options,
            opened?.Manifest,
            source with
            {
                ClusterId = clusterId,
            },
            topics,
            configs,
            partitions,
            cutAtMs,
            findings
        )
        {
            Lost = lost,
        };
    }

    public BackupPlan Show(BackupWork work) =>
        new()
        {
            BackupId = options.BackupId,
            Path = catalog.Store.Location,
            IsNew = work.Stored is null,
            Continuous = options.Continuous,
            ConsistentAtMs = work.CutAtMs,
            Topics = ItemList.From(
                work.Partitions.GroupBy(p => p.Id.Topic, StringComparer.Ordinal)
                    .Select(t => new BackupTopicPlan(
                        t.Key,
                        ItemList.From(t.Select(p => new BackupPartitionPlan(p.Id.Partition, p.ReadFrom, p.StoreTo)))
                    ))
            ),
            Findings = ItemList.From(work.Findings),
        };

    /// <summary>A partition that cannot be read is reported once per reason and topic: a topic may have hundreds.</summary>
    private static IEnumerable<Finding> Troubles(IReadOnlyList<PartitionWork> partitions) =>
        partitions
            .Where(p => p.Refused is not null)
            .GroupBy(p => (p.Id.Topic, p.Refused!.ErrorId))
            .Select(g => new Finding(
                FindingSeverity.Error,
                FindingKind.PartitionTrouble,
                g.Key.Topic,
                g.First().Refused!.Message,
                g.First().Refused!.Advice
            ));

    private long? CutInstant()
    {
        if (options.ConsistentAt is not { } point)
        {
            return null;
        }

        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        if (options.Continuous)
        {
            throw ErrorIds.ConsistentCutImpossible.With("A consistent cut and continuous mode exclude each other.", options.BackupId);
        }

        var at = point.Milliseconds ?? now;
        return at <= now
            ? at
            : throw ErrorIds.ConsistentCutImpossible.With(
                $"The consistent cut at {at} ({KafkaTime.ToDateTimeOffset(at):u}) is in the future.",
                at,
                "Give a time in the past, or 'now'."
            );
    }
}
