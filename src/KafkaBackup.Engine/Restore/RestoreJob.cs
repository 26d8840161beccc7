using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Restore;

/// <summary>Plans the restore of one backup, or of several together (rule E9), and hands out the plan with the way to run it.</summary>
internal sealed class RestoreJob(EngineServices services, IEngineEvents events, string baseDirectory) : IAsyncDisposable
{
    private readonly List<Part> _parts = [];

    public async Task<PlannedOperation<IReadOnlyList<RestoreReport>, IReadOnlyList<RestoreResult>>> PlanAsync(
        IReadOnlyList<RestoreOptions> all,
        CancellationToken cancel
    )
    {
        try
        {
            RefuseSharedFiles(all);
            foreach (var options in all)
            {
                await OpenAsync(options, cancel).ConfigureAwait(false);
            }

            var together = PlannedTogether.Of(_parts.Select(p => (p.Options, p.Backup.Manifest)).ToArray());
            foreach (var part in _parts)
            {
                part.Work = await new RestorePlanner(part.Catalog, part.Backup, part.Cluster, part.Options, services.Clock, events)
                    .PlanAsync(together, cancel)
                    .ConfigureAwait(false);
            }

            var works = _parts.Select(p => p.Work).ToArray();
            foreach (var part in _parts)
            {
                var groups = await GroupPlan.CheckAsync(part.Work, works, part.Cluster, cancel).ConfigureAwait(false);
                part.Work = part.Work with { Findings = [.. part.Work.Findings, .. groups] };
            }

            RefuseSharedTargets();
        }
        catch
        {
            await DisposeAsync().ConfigureAwait(false);
            throw;
        }

        var reports = _parts.Select(p => RestoreReporting.Report(p.Work, p.Store.Location)).ToArray();
        return new PlannedOperation<IReadOnlyList<RestoreReport>, IReadOnlyList<RestoreResult>>(reports, RunAsync, DisposeAsync);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var part in _parts)
        {
            await part.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task OpenAsync(RestoreOptions options, CancellationToken cancel)
    {
        if (options is { PurgeTopics: true, Force: false, DryRun: false })
        {
            throw ErrorIds.PurgeNeedsForce.With("Emptying the target topics was asked for, without force.", options.BackupId);
        }

        var store = services.OpenStore(options.Store, events);
        var cluster = options is { Offline: false, Target: { } target } ? services.OpenCluster(target, events) : null;
        var part = new Part(options, store, cluster);
        _parts.Add(part);
        part.Backup = await part.Catalog.OpenAsync(options.BackupId, cancel).ConfigureAwait(false);
    }

    /// <summary>Each backup's restore has a checkpoint and a report of its own: of two in one file only one would remain.</summary>
    private static void RefuseSharedFiles(IReadOnlyList<RestoreOptions> all)
    {
        var files = all.SelectMany(o =>
                ((string?, string)[])
                    [(o.CheckpointPath, "checkpoint (-CheckpointPath)"), (o.OffsetReportPath, "offset report (-OffsetReportPath)")]
            )
            .Where(f => f.Item1 is not null);
        if (files.GroupBy(f => Path.GetFullPath(f.Item1!)).FirstOrDefault(g => g.Count() > 1) is { } shared)
        {
            throw ErrorIds.RestoreInvalid.With(
                $"The restore of {string.Join(" and ", all.Select(o => $"'{o.BackupId}'"))} would use one file, {shared.Key}, more than once, as {string.Join(" and ", shared.Select(f => f.Item2).Distinct())}.",
                shared.Key,
                "Give each file its own path; restore several backups one call each."
            );
        }
    }

    private void RefuseSharedTargets()
    {
        var clash = _parts
            .SelectMany(p =>
                p.Work.Targets.Select(t => (Cluster: p.Work.TargetClusterId ?? p.Cluster?.Address, t.Target, p.Work.Options.BackupId))
            )
            .GroupBy(t => (t.Cluster, t.Target))
            .FirstOrDefault(g => g.Count() > 1);
        if (clash is not null)
        {
            throw ErrorIds.RestoreInvalid.With(
                $"Backups {string.Join(" and ", clash.Select(c => c.BackupId))} would both write {clash.Key.Target}.",
                clash.Key.Target.ToString(),
                "Restore them to different topics, one call each."
            );
        }
    }

    private async Task<IReadOnlyList<RestoreResult>> RunAsync(CancellationToken stop)
    {
        if (_parts.FirstOrDefault(p => p.Work.Options.DryRun || p.Cluster is null) is { } dry)
        {
            throw ErrorIds.RestoreInvalid.With(
                $"The restore of backup '{dry.Work.Options.BackupId}' was planned as a dry run (dry_run, or without its target): it writes nothing.",
                dry.Work.Options.BackupId,
                "Plan it without dry_run."
            );
        }

        foreach (var part in _parts)
        {
            Refuse(part.Work);
            RequireOutputs(part.Work.Options);
        }

        var locks = new List<CheckpointLock>();
        try
        {
            locks.AddRange(_parts.Select(p => p.Work.Options.CheckpointPath).OfType<string>().Distinct().Select(CheckpointLock.Take));
            var results = new List<RestoreResult>();
            foreach (var part in _parts)
            {
                if (results.Count > 0 && stop.IsCancellationRequested)
                {
                    break;
                }

                try
                {
                    results.Add(await RunAsync(part, stop).ConfigureAwait(false));
                }
                catch (OperationCanceledException) when (results.Count > 0 && stop.IsCancellationRequested)
                {
                    break;
                }
                catch (KafkaBackupException error) when (results.Count > 0)
                {
                    // What the backups before this one came to must not be lost with it.
                    events.Error(error);
                    break;
                }
            }

            foreach (var left in _parts.Skip(results.Count))
            {
                events.Warning($"Backup '{left.Options.BackupId}' was not restored. Run again to restore it.");
            }

            return results;
        }
        finally
        {
            locks.ForEach(l => l.Dispose());
        }
    }

    private async Task<RestoreResult> RunAsync(Part part, CancellationToken stop)
    {
        var (work, cluster) = (part.Work, part.Cluster!);
        foreach (var finding in work.Findings.Where(f => f.Severity == FindingSeverity.Warning || f.CanForce))
        {
            events.Warning($"{finding.Message} {finding.Advice}");
        }

        var run = new RestoreRun(cluster, part.Catalog, work, services.Clock, events);
        var data = await run.RunAsync(stop).ConfigureAwait(false);
        var rows = MappingRows.FromRun(data.Outcomes, cluster.Address);
        var reported = Reported(() => WriteReport(work, cluster, rows));
        var groups = GroupResetOutcome.None;
        if (data.Status == RestoreStatus.Complete)
        {
            groups = await ResetGroupsAsync(part, cluster, data, stop).ConfigureAwait(false);
            if (reported && !groups.Failed)
            {
                await run.ForgetMarksAsync(data, stop).ConfigureAwait(false);
                Reported(data.Journal.Remove);
            }
        }
        else if (GroupPlan.Groups(work).Count > 0)
        {
            events.Warning(
                "The consumer groups were not touched, because not all records are restored. Run again: the restore resumes, and then sets them."
            );
        }

        var damaged = data.Status == RestoreStatus.Complete ? work.Damaged.ToArray() : [];
        foreach (var source in damaged)
        {
            events.Error(LeftOut(source));
        }

        var status =
            data.Status != RestoreStatus.Complete || (reported && !groups.Failed && damaged.Length == 0) ? data.Status
            : stop.IsCancellationRequested ? RestoreStatus.Stopped
            : RestoreStatus.Incomplete;
        return RestoreReporting.Result(work, part.Store.Location, data, status, services.Clock.GetUtcNow(), rows, groups) with
        {
            OffsetReportPath = reported ? work.Options.OffsetReportPath : null,
        };
    }

    private static KafkaBackupException LeftOut(SourceWork source) =>
        ErrorIds.RecordsLeftOut.With(
            FormattableString.Invariant(
                $"{source.Source} was restored without up to {source.LeftOutCount:N0} records that are damaged in the backup or missing from it."
            ),
            source.Source
        );

    /// <summary>The records are there by now: a file that cannot be written or deleted is reported, and must not hide that.</summary>
    private bool Reported(Action act)
    {
        try
        {
            act();
            return true;
        }
        catch (KafkaBackupException error)
        {
            events.Error(error);
            return false;
        }
    }

    /// <summary>The records are there by now: what goes wrong with the groups, or a stop, is reported, and must not hide that.</summary>
    private async Task<GroupResetOutcome> ResetGroupsAsync(Part part, IKafkaCluster cluster, RestoreData data, CancellationToken stop)
    {
        var work = part.Work;
        try
        {
            var maps = data
                .Outcomes.SelectMany(o =>
                    o.Progress.Work.Sources.Select((s, i) => (s.Source, o.Progress.Work.Target, Map: o.Progress.Maps[i]))
                )
                .Concat(
                    work.Targets.Where(t => t.RecordCount == 0)
                        .SelectMany(t => t.Sources.Select(s => (s.Source, t.Target, Map: new OffsetMap())))
                )
                .ToDictionary(m => m.Source, m => (m.Target, m.Map));
            var log = new TargetLog(cluster, services.Clock, events);
            var positions = new GroupPositions(work, cluster, part.Catalog, maps, log, services.Clock, events);
            return await new GroupReset(work, cluster, positions, OffsetFolder(work.Options), services.Clock, events)
                .RunAsync(stop)
                .ConfigureAwait(false);
        }
        catch (KafkaBackupException error)
        {
            events.Error(error);
            return GroupResetOutcome.None with { Failed = true };
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            events.Warning("All records are restored. The stop came before the consumer groups were set: run again, and they are.");
            return GroupResetOutcome.None with { Failed = true };
        }
    }

    private void WriteReport(RestoreWork work, IKafkaCluster cluster, IReadOnlyList<OffsetMapping> rows)
    {
        if (work.Options.OffsetReportPath is not { } path)
        {
            return;
        }

        new OffsetReport
        {
            Version = OffsetReport.CurrentVersion,
            BackupId = work.Options.BackupId,
            CreatedAt = services.Clock.GetUtcNow(),
            Target = cluster.Address,
            Partitions = rows.Select(MappedPartition.From).ToArray(),
            Groups = GroupPlan
                .Known(work.Backup)
                .Select(g => new MappedGroup(
                    g.Group,
                    g.Offsets.Select(o => new MappedGroupOffset(o.Topic, o.Partition, o.Offset, o.Metadata)).ToArray()
                ))
                .ToArray(),
        }.Write(path);
        events.Verbose($"The offset mapping is in {path}.");
    }

    /// <summary>Beside the report or the checkpoint, where an operator looks first.</summary>
    private string OffsetFolder(RestoreOptions options) =>
        Path.GetDirectoryName(options.OffsetReportPath ?? options.CheckpointPath) is { Length: > 0 } folder ? folder : baseDirectory;

    /// <summary>Better now than when topics are created, or all records restored.</summary>
    private static void RequireOutputs(RestoreOptions options)
    {
        if (options.CheckpointPath is { } checkpoint)
        {
            new CheckpointFile(checkpoint).RequireWritable();
        }

        if (options.OffsetReportPath is { } report)
        {
            OffsetReport.RequireWritable(report);
        }
    }

    private static void Refuse(RestoreWork work)
    {
        var errors = work.Findings.Where(f => f.Severity == FindingSeverity.Error && !(work.Options.Force && f.CanForce)).ToArray();
        if (errors.Length == 0)
        {
            return;
        }

        var more = errors.Length > 1 ? $" ({errors.Length - 1} more: Test-KafkaRestore shows them all)" : "";
        throw ErrorIds.RestoreInvalid.With(
            $"The restore of backup '{work.Options.BackupId}' is refused: {errors[0].Message}{more}",
            errors[0].Place,
            errors[0].Advice + (errors.All(e => e.CanForce) ? " -Force restores all the same." : "")
        );
    }

    private sealed class Part(RestoreOptions options, IStore store, IKafkaCluster? cluster) : IAsyncDisposable
    {
        public RestoreOptions Options => options;

        public IStore Store => store;

        public IKafkaCluster? Cluster => cluster;

        public BackupCatalog Catalog { get; } = new(store);

        public OpenedBackup Backup { get; set; } = null!;

        public RestoreWork Work { get; set; } = null!;

        public async ValueTask DisposeAsync()
        {
            if (cluster is not null)
            {
                await cluster.DisposeAsync().ConfigureAwait(false);
            }

            await store.DisposeAsync().ConfigureAwait(false);
        }
    }
}
