using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Health;
using KafkaBackup.Engine.Pacing;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// One execution of a planned backup: lock, first commit, data, groups, last commit. In continuous mode the data part repeats. Reading
/// begins beside the first commit, since connections and the first fetch take as long as that does; what is read is stored when the
/// manifest names the run.
/// </summary>
internal sealed class BackupRun(
    IKafkaCluster cluster,
    BackupCatalog catalog,
    BackupWork work,
    string toolVersion,
    TimeProvider clock,
    IEngineEvents events
)
{
    private readonly string _runId = NewRunId(clock);
    private readonly RunOutcomes _outcomes = new(events) { Lost = work.Lost };

    public async Task<BackupResult> RunAsync(CancellationToken stop)
    {
        var options = work.Options;
        var status = new OperationStatus(
            "backup",
            options.BackupId,
            options.Continuous || options.Health.Enabled ? options.SegmentMaxInterval : null,
            clock
        );
        var health = HealthEndpoint.Start(options.Health, status, events);
        await using (health.ConfigureAwait(false))
        {
            var sessionOptions = new SessionOptions
            {
                RunId = _runId,
                Clock = clock,
                SourceClusterId = work.Source.ClusterId,
                Events = events,
            };
            var session = await BackupSession.BeginAsync(catalog, options.BackupId, sessionOptions, stop).ConfigureAwait(false);
            await using (session.ConfigureAwait(false))
            {
                RefuseIfMovedOn(session);
                var draft = new ManifestDraft(session.Manifest!, FirstEntry());
                var proof = new SourceProof(cluster, new LogMeeting(cluster, catalog.Store, session.Owner, clock), clock, events);
                var run = new RunScope(
                    _runId,
                    options,
                    cluster,
                    catalog.Store,
                    session,
                    draft,
                    status,
                    new RunFindings(events),
                    proof,
                    clock,
                    events
                );
                using var committer = new Committer(run);
                return await RunAsync(run, committer, stop).ConfigureAwait(false);
            }
        }
    }

    private static string NewRunId(TimeProvider clock) =>
        $"run-{clock.GetUtcNow():yyyyMMdd-HHmmss}-{Convert.ToHexString(System.Security.Cryptography.RandomNumberGenerator.GetBytes(3)).ToLowerInvariant()}";

    private async Task<BackupResult> RunAsync(RunScope run, Committer committer, CancellationToken stop)
    {
        var topics = new TopicJournal(run);
        topics.Describe(work.Topics, work.Configs, work.Partitions);
        using var unannounced = new CancellationTokenSource();
        using var halt = CancellationTokenSource.CreateLinkedTokenSource(stop, unannounced.Token);
        var announced = AnnounceAsync(run, committer, topics, unannounced, stop);
        KafkaBackupException? failure = null;
        try
        {
            await ReadAsync(run, committer, topics, announced, halt.Token).ConfigureAwait(false);
        }
        catch (KafkaBackupException error)
        {
            failure = error;
        }
        finally
        {
            // First what still uses the session: a failed announcement is thrown here, and the session ends with it.
            await committer.DrainAsync().ConfigureAwait(false);
            await announced.ConfigureAwait(false);
        }

        return (failure ?? committer.Failure ?? _outcomes.StoreFailure) is { } cause
            ? throw await GiveUpAsync(run, committer, cause).ConfigureAwait(false)
            : await FinishAsync(run, committer, topics, stop).ConfigureAwait(false);
    }

    /// <summary>Makes the run part of the backup, and takes away what a dead one left; a failure halts the reading beside it.</summary>
    private static async Task AnnounceAsync(
        RunScope run,
        Committer committer,
        TopicJournal topics,
        CancellationTokenSource failed,
        CancellationToken stop
    )
    {
        try
        {
            var sweep = LeftoverSweep.AfterDeadRun(run);
            await topics.TakeGroupsAsync(GroupWatch.Patience, stop).ConfigureAwait(false);
            await committer.CommitAsync(complete: false).ConfigureAwait(false);
            if (sweep is not null)
            {
                using var mayDelete = CancellationTokenSource.CreateLinkedTokenSource(stop, committer.Lost);
                await sweep.RunAsync(mayDelete.Token).ConfigureAwait(false);
            }
        }
        catch
        {
            await failed.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task ReadAsync(RunScope run, Committer committer, TopicJournal topics, Task announced, CancellationToken stop)
    {
        var pass = new BackupPass(
            run,
            committer,
            new RateLimiter(run.Options.RecordsPerSecond, run.Options.BytesPerSecond, clock),
            announced
        );
        if (run.Options.Continuous)
        {
            await announced.ConfigureAwait(false);
            await new ContinuousBackup(run, committer, pass, topics, _outcomes).FollowAsync(work.Partitions, stop).ConfigureAwait(false);
        }
        else
        {
            run.Proof.Expect(work.Partitions);
            _outcomes.Add(await pass.RunAsync(work.Partitions, stop).ConfigureAwait(false));
        }
    }

    private async Task<BackupResult> FinishAsync(RunScope run, Committer committer, TopicJournal topics, CancellationToken stop)
    {
        await committer.ProveAsync(isLastWord: true, inHaste: false, stop).ConfigureAwait(false);
        _outcomes.Fail(run.Proof.Refused, run.Draft);
        _outcomes.Fail(run.Proof.Unproven, run.Draft);
        _outcomes.TellFailures();
        await topics
            .TakeGroupsAsync(
                run.Options.Continuous || stop.IsCancellationRequested ? GroupWatch.ShortPatience : GroupWatch.Patience,
                CancellationToken.None
            )
            .ConfigureAwait(false);

        // A run in one go that reached all its ends is complete, even if a stop came meanwhile; one that follows the source was stopped.
        var reached = _outcomes.State(stopped: false);
        var state = reached == BackupStatus.Complete && !run.Options.Continuous ? reached : _outcomes.State(stop.IsCancellationRequested);
        var merger = new SegmentMerger(run);
        if (merger.HasWork && !stop.IsCancellationRequested)
        {
            // The data first: merging may take a while, and a run that dies over it is one that died.
            await committer.CommitAsync(complete: reached == BackupStatus.Complete).ConfigureAwait(false);
            await merger.MergeAsync(stop).ConfigureAwait(false);
        }

        var endedAt = clock.GetUtcNow();
        run.Draft.SetRun(entry => entry with { EndedAt = endedAt, State = state, RecordCount = _outcomes.Records });
        await committer.CommitAsync(complete: reached == BackupStatus.Complete).ConfigureAwait(false);
        var result = BackupReporting.Result(
            work,
            catalog.Store.Location,
            run.Draft.Run,
            run.Session.Manifest!,
            _outcomes.All,
            run.Draft.NewGaps,
            [.. work.Findings, .. run.Session.Findings.Except(work.Findings), .. run.Findings.All],
            endedAt
        );
        events.Verbose(
            $"Run {_runId} of backup '{work.Options.BackupId}' ended: {result.Status}, {result.RecordCount} records in {result.SegmentCount} segments."
        );
        return result;
    }

    /// <summary>The run as a whole has failed: what is durable still becomes part of the backup, if that is possible.</summary>
    private async Task<KafkaBackupException> GiveUpAsync(RunScope run, Committer committer, KafkaBackupException cause)
    {
        if (committer.Failure is null)
        {
            run.Draft.SetRun(entry =>
                entry with
                {
                    EndedAt = clock.GetUtcNow(),
                    State = BackupStatus.Failed,
                    RecordCount = _outcomes.Records,
                }
            );
            try
            {
                await committer.ProveAsync(isLastWord: true, inHaste: true, CancellationToken.None).ConfigureAwait(false);
                await committer.CommitAsync(complete: false).ConfigureAwait(false);
            }
            catch (KafkaBackupException error)
            {
                events.Verbose(
                    $"What had been stored since the last commit could not be committed; the next run reads it again: {error.Message}"
                );
                return error.Definition == ErrorIds.BackupLockLost ? error : cause;
            }
        }

        return cause;
    }

    private RunEntry FirstEntry() =>
        new()
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
                $"Another run wrote to backup '{work.Options.BackupId}' after this one was planned.",
                work.Options.BackupId,
                "Run again."
            );
        }
    }
}
