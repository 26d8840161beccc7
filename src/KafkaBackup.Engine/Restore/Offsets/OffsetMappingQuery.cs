using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Where records are (rule F5): from a report that a restore wrote, or from the restored topics' own headers, or, for the source side
/// alone, from a backup. Reads only.
/// </summary>
internal sealed class OffsetMappingQuery(EngineServices services, IEngineEvents events, OptionsResolver resolver)
{
    public async Task<IReadOnlyList<OffsetMapping>> RunAsync(OffsetMappingSettings asked, CancellationToken cancel)
    {
        var selection = new MappingSelection(asked);
        if (asked.OffsetReportPath is { } path)
        {
            if (asked.Scan is not null)
            {
                throw ErrorIds.ConfigConflict.With("An offset report is given, and a scan is asked for.", path);
            }

            return FromReport(OffsetReport.Read(path), selection);
        }

        if (asked.Scan is null && asked.BackupId is null)
        {
            throw ErrorIds.MissingSettings.With(
                "Not given: where the mapping is to come from.",
                "OffsetReportPath",
                "Give -OffsetReportPath, or -Path and -BackupId, or -Scan and a cluster."
            );
        }

        if (asked.BackupId is null)
        {
            return await ScanAsync(asked, selection, cancel).ConfigureAwait(false);
        }

        var store = new ReadOnlyStore(services.OpenStore(resolver.Resolve(asked.Store), events), services.Clock);
        await using (store.ConfigureAwait(false))
        {
            var catalog = new BackupCatalog(store);
            var backup = await catalog.OpenAsync(NameRules.CheckBackupId(asked.BackupId), cancel).ConfigureAwait(false);
            return asked.Scan is null
                ? await FromBackupAsync(catalog, backup, selection, cancel).ConfigureAwait(false)
                : await ScanAsync(asked, selection, catalog, backup, cancel).ConfigureAwait(false);
        }
    }

    private static IReadOnlyList<OffsetMapping> FromReport(OffsetReport report, MappingSelection selection)
    {
        var rows = report
            .Partitions.Select(p => (Source: new TopicPartition(p.SourceTopic, p.SourcePartition), Part: p))
            .Where(p => selection.Selects(p.Source))
            .Select(p =>
            {
                var map = p.Part.ToMap();
                var target = new TopicPartition(p.Part.TargetTopic, p.Part.TargetPartition);
                return new MappedRow(
                    MappingRows.Row(p.Source, target, map, p.Part.FirstTimestamp, p.Part.LastTimestamp, report.Target),
                    map.Translate
                );
            })
            .ToArray();
        selection.RefuseNothing(rows.Length, "The offset report", report.Partitions.Select(p => p.SourceTopic));
        var groups = report.Groups.Select(g => new GroupEntry(
            g.Group,
            g.Offsets.Select(o => new GroupOffsetEntry(o.Topic, o.Partition, o.SourceOffset, o.Metadata)).ToArray()
        ));
        return selection.Rows(rows, groups.ToArray(), report.Target);
    }

    private static async Task<IReadOnlyList<OffsetMapping>> FromBackupAsync(
        BackupCatalog catalog,
        OpenedBackup backup,
        MappingSelection selection,
        CancellationToken cancel
    )
    {
        var ranges = new SourceRanges(catalog, backup);
        var rows = new List<MappedRow>();
        foreach (var (source, partition) in selection.Of(backup))
        {
            var row = MappingRows.Row(source, null, new OffsetMap(), First(partition), Last(partition), "");
            rows.Add(
                new MappedRow(
                    row with
                    {
                        SourceFirstOffset = partition.Segments is [var first, ..] ? first.FirstOffset : null,
                        SourceLastOffset = partition.Segments is [.., var last] ? last.LastOffset : null,
                        Ranges = ItemList.From(await ranges.OfAsync(source, partition, cancel).ConfigureAwait(false)),
                    },
                    _ => null
                )
            );
        }

        return selection.Rows(rows, GroupPlan.Known(backup), "");
    }

    /// <summary>
    /// Reads all of the cluster's topics that are selected. Only their numbers say which source partition is in which.
    /// </summary>
    private async Task<IReadOnlyList<OffsetMapping>> ScanAsync(
        OffsetMappingSettings asked,
        MappingSelection selection,
        CancellationToken cancel
    )
    {
        var cluster = services.OpenCluster(resolver.Resolve(asked.Scan, "cluster"), events);
        await using (cluster.ConfigureAwait(false))
        {
            var pairs = selection.Of((await cluster.DescribeAsync(cancel).ConfigureAwait(false)).Topics);
            var ends = await new TargetLog(cluster, services.Clock, events)
                .EndsAsync(pairs.Select(p => p.Target).Distinct().ToArray(), cancel)
                .ConfigureAwait(false);
            var scan = new OriginalOffsetScan(cluster, services.Clock, events);
            var rows = new List<MappedRow>();
            foreach (var (source, target) in pairs)
            {
                var runs = await scan.ReadAsync(target, 0, ends[target], cancel).ConfigureAwait(false);
                if (runs.Count > 1)
                {
                    events.Warning(
                        $"{target} holds records of more than one source partition, or of more than one restore: its row has no offsets. "
                            + "Name the backup (-Path, -BackupId), which distinguishes them, or give the restore's offset report."
                    );
                }

                var map = runs.Count == 1 ? runs[0] : new OffsetMap();
                rows.Add(
                    new MappedRow(
                        MappingRows.Row(source, target, map, null, null, cluster.Address),
                        offset => Within(map.Translate(offset), ends[target])
                    )
                );
            }

            return selection.Rows(rows, null, cluster.Address);
        }
    }

    /// <summary>Reads the restored topics, and looks for the backup's partitions in them.</summary>
    private async Task<IReadOnlyList<OffsetMapping>> ScanAsync(
        OffsetMappingSettings asked,
        MappingSelection selection,
        BackupCatalog catalog,
        OpenedBackup backup,
        CancellationToken cancel
    )
    {
        var cluster = services.OpenCluster(resolver.Resolve(asked.Scan, "cluster"), events);
        await using (cluster.ConfigureAwait(false))
        {
            var topics = (await cluster.DescribeAsync(cancel).ConfigureAwait(false)).Topics;
            var pairs = selection.Of(backup).Select(p => new ScanPair(p.Source, selection.TargetOf(p.Source), p.Partition)).ToArray();
            var there = pairs
                .Select(p => p.Target.Topic)
                .Distinct(StringComparer.Ordinal)
                .Where(topics.ContainsKey)
                .SelectMany(t => topics[t].Partitions.Select(p => new TopicPartition(t, p.Partition)))
                .ToHashSet();
            foreach (
                var missing in pairs.Where(p => !there.Contains(p.Target)).Select(p => p.Target.Topic).Distinct(StringComparer.Ordinal)
            )
            {
                events.Warning(
                    $"Topic {missing} of {cluster.Address} does not have the partitions that the mapping needs; rows for them have no target."
                );
            }

            var ends = await new TargetLog(cluster, services.Clock, events).EndsAsync(there.ToArray(), cancel).ConfigureAwait(false);
            using var scanned = new ScannedPartitions(cluster, catalog, backup, services.Clock, events);
            var found = await scanned.FindAsync(pairs, ends, cancel).ConfigureAwait(false);
            var rows = new List<MappedRow>();
            foreach (var pair in pairs)
            {
                var run = found.GetValueOrDefault(pair.Source);
                var row = MappingRows.Row(
                    pair.Source,
                    run?.Target,
                    run?.Map ?? new OffsetMap(),
                    First(pair.Entry),
                    Last(pair.Entry),
                    cluster.Address
                );
                rows.Add(new MappedRow(row, offset => run is null ? null : Within(run.Translate(offset), ends[run.Target])));
            }

            return selection.Rows(rows, GroupPlan.Known(backup), cluster.Address);
        }
    }

    private static long? Within(long? offset, long end) => offset is { } found ? Math.Clamp(found, 0, end) : null;

    private static long? First(PartitionEntry? partition) =>
        partition is null or { Segments.Count: 0 } ? null : Known(partition.Segments.Min(s => s.MinTimestamp));

    private static long? Last(PartitionEntry? partition) =>
        partition is null or { Segments.Count: 0 } ? null : Known(partition.Segments.Max(s => s.MaxTimestamp));

    /// <summary>Another tool's manifest does not know the extremes.</summary>
    private static long? Known(long timestamp) => timestamp is long.MinValue or long.MaxValue ? null : timestamp;
}

/// <param name="Translate">From a source offset to where its reader goes on; null where that is not known.</param>
internal sealed record MappedRow(OffsetMapping Row, Func<long, long?> Translate);
