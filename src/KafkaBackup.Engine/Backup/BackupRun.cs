using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Pacing;

namespace KafkaBackup.Engine.Backup;

/// <summary>One execution of a planned backup: lock, first commit, data, groups, last commit. In continuous mode the data part repeats.</summary>
internal sealed class BackupRun(IKafkaCluster cluster, BackupCatalog catalog, BackupWork work, string toolVersion, TimeProvider clock, IEngineEvents events)
{
    private readonly string _runId = NewRunId(clock);

    public async Task<BackupResult> RunAsync(CancellationToken stop)
    {
        var options = work.Options;
        var sessionOptions = new SessionOptions { RunId = _runId, Clock = clock, SourceClusterId = work.Source.ClusterId };
        var session = await BackupSession.BeginAsync(catalog, options.BackupId, sessionOptions, stop).ConfigureAwait(false);
        await using (session.ConfigureAwait(false))
        {
            RefuseIfMovedOn(session);
            var run = new RunScope(_runId, options, cluster, catalog.Store, session, new ManifestDraft(session.Manifest!, FirstEntry()), clock, events);
            using var committer = new Committer(run);
            var topics = new TopicJournal(run);
            topics.Describe(work.Topics, work.Configs, work.Partitions);
            await topics.TakeGroupsAsync(stop).ConfigureAwait(false);
            await committer.CommitAsync(complete: false).ConfigureAwait(false);

            var outcomes = new OutcomeBook();
            var pass = new BackupPass(run, committer, new RateLimiter(options.RecordsPerSecond, options.BytesPerSecond, clock));
            outcomes.Add(await pass.RunAsync(work.Partitions, stop).ConfigureAwait(false));
            if (options.Continuous)
            {
                await new ContinuousBackup(run, committer, pass, topics).FollowAsync(outcomes, stop).ConfigureAwait(false);
            }

            await topics.TakeGroupsAsync(CancellationToken.None).ConfigureAwait(false);
            return await FinishAsync(run, committer, outcomes, stop).ConfigureAwait(false);
        }
    }

    private static string NewRunId(TimeProvider clock) =>
        $"run-{clock.GetUtcNow():yyyyMMdd-HHmmss}-{Convert.ToHexString(System.Security.Cryptography.RandomNumberGenerator.GetBytes(3)).ToLowerInvariant()}";

    private async Task<BackupResult> FinishAsync(RunScope run, Committer committer, OutcomeBook outcomes, CancellationToken stop)
    {
        await committer.DrainAsync().ConfigureAwait(false);
        foreach (var error in outcomes.Errors)
        {
            events.Error(error);
        }

        var state = outcomes.State(stop.IsCancellationRequested);
        var endedAt = clock.GetUtcNow();
        run.Draft.SetRun(entry => entry with { EndedAt = endedAt, State = state, RecordCount = outcomes.Records });
        await committer.CommitAsync(complete: state == BackupStatus.Complete).ConfigureAwait(false);
        if (outcomes.StoreFailure is { } failure)
        {
            throw failure;
        }

        var result = BackupReporting.Result(work, catalog.Store.Location, run.Draft.Run, run.Session.Manifest!, outcomes.All, endedAt);
        events.Verbose($"Run {_runId} of backup '{work.Options.BackupId}' ended: {result.Status}, {result.RecordCount} records in {result.SegmentCount} segments.");
        return result;
    }

    private RunEntry FirstEntry() => new()
    {
        RunId = _runId,
        StartedAt = clock.GetUtcNow(),
        State = BackupStatus.Running,
        ToolVersion = toolVersion,
        Isolation = work.Options.IsolationLevel,
        RequestedTopics = [.. work.Options.Topics.Include.Select(p => p.Text)],
        ConsistentAtMs = work.CutAtMs,
    };

    private void RefuseIfMovedOn(BackupSession session)
    {
        if (session.IsNew ? work.Stored is not null : session.Manifest!.Generation != work.Stored?.Generation)
        {
            throw ErrorIds.BackupLocked.With(
                $"Another run wrote to backup '{work.Options.BackupId}' after this one was planned.", work.Options.BackupId, "Run again.");
        }
    }
}
