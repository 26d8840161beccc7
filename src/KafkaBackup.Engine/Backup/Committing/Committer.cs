using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Writes the manifest: one commit at a time, at least every interval while a run has something new, by the clock and not only on traffic
/// (rule B10). A commit that fails ends the run: what follows could not be made part of the backup.
/// </summary>
internal sealed class Committer(RunScope run) : IDisposable
{
    /// <summary>
    /// For how long a cluster is asked again that is away, or does not show a topic just now; brokers take as long to start.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(100);

    private static readonly TimeSpan ShortPatience = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _failed = CancellationTokenSource.CreateLinkedTokenSource(run.Session.LockLost);
    private readonly SemaphoreSlim _one = new(1);
    private readonly HashSet<string> _withdrawn = new(StringComparer.Ordinal);
    private IReadOnlyCollection<string> _lastWord = [];
    private Task _background = Task.CompletedTask;
    private long _lastCommit = run.Clock.GetTimestamp();
    private volatile KafkaBackupException? _failure;

    /// <summary>Signalled when nothing more can be committed.</summary>
    public CancellationToken Lost => _failed.Token;

    public KafkaBackupException? Failure => _failure;

    public bool IsDue => _background.IsCompleted && run.Clock.GetElapsedTime(_lastCommit) >= run.Options.SegmentMaxInterval;

    /// <summary>For the reader thread: once what was handed on is stored, it becomes part of the backup.</summary>
    public void CommitInBackground(Task stored)
    {
        _lastCommit = run.Clock.GetTimestamp();
        _background = CommitQuietlyAsync();

        async Task CommitQuietlyAsync()
        {
            // Off the reader thread, from the first store call on.
            await Task.Yield();
            await stored.ConfigureAwait(false);
            try
            {
                await CommitAsync(complete: false).ConfigureAwait(false);
            }
            catch (KafkaBackupException error)
            {
                // Kept in Failure, and the run ends by Lost.
                run.Events.Verbose($"A commit failed: {error.Message}");
            }
        }
    }

    /// <summary>
    /// Once a pass has read all it could: finds out whether what it read came from the topics that the backup is about, and withdraws what
    /// did not, before the run is called complete.
    /// </summary>
    /// <param name="isLastWord">
    /// Nothing asks again after this: what could not be found out is committed as it is, and the backup is not complete. Otherwise it waits
    /// for a later commit.
    /// </param>
    /// <param name="inHaste">A cluster that is away is not waited for now.</param>
    public async Task ProveAsync(bool isLastWord, bool inHaste, CancellationToken stop)
    {
        await _one.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (_failure is null)
            {
                await AskAsync(run.Draft.Topics(), isLast: true, inHaste ? ShortPatience : Patience, stop).ConfigureAwait(false);
                _lastWord = isLastWord ? [.. run.Proof.Unproven.Keys] : [];
            }
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Writes nothing when nothing has changed.</summary>
    public async Task CommitAsync(bool complete)
    {
        await _one.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_failure is { } earlier)
            {
                throw earlier;
            }

            if (run.Draft.DiffersWith(complete))
            {
                // First what is to be committed, then the question: so all of it was read before the answer.
                var next = run.Draft.Next(run.Clock.GetUtcNow(), complete);
                var leftOut = await AskAsync(next.Topics, isLast: false, ShortPatience, CancellationToken.None).ConfigureAwait(false);
                next =
                    leftOut.Count == 0 ? next : next with { Complete = false, Topics = Instead(next.Topics, leftOut, run.Draft.Topics()) };
                next = Postponed(next);
                await run.Session.CommitAsync(next, CancellationToken.None).ConfigureAwait(false);
                await RemoveAsync().ConfigureAwait(false);
                run.Status.Committed();
            }

            run.Status.Alive();
            _lastCommit = run.Clock.GetTimestamp();
        }
        catch (KafkaBackupException error)
        {
            _failure ??= error;
            run.Status.Trouble(error);
            await _failed.CancelAsync().ConfigureAwait(false);
            throw;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Returns the topics that were withdrawn.</summary>
    private async Task<IReadOnlyCollection<string>> AskAsync(
        IReadOnlyDictionary<string, TopicEntry> next,
        bool isLast,
        TimeSpan patience,
        CancellationToken hurry
    )
    {
        var committed = run.Session.Manifest!;
        try
        {
            await run.Proof.AskAsync(committed, next, isLast, patience, hurry, run.Session.LockLost).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (run.Session.LockLost.IsCancellationRequested)
        {
            run.Events.Verbose("The topics were not asked about: another run has taken this backup over.");
        }

        var refused = run.Proof.Refused.Keys.Where(t => next.ContainsKey(t) && _withdrawn.Add(t)).ToArray();
        foreach (var topic in refused)
        {
            run.Draft.Withdraw(topic, committed.Topics.GetValueOrDefault(topic));
        }

        return refused;
    }

    /// <summary>
    /// Topics of which it could not be found out now: what they have given waits for a later commit, unless there is none.
    /// </summary>
    private Manifest Postponed(Manifest next)
    {
        var waiting = run.Proof.Unproven.Keys.Where(t => !_lastWord.Contains(t) && next.Topics.ContainsKey(t)).ToArray();
        if (waiting.Length == 0)
        {
            return next;
        }

        // The draft counts it as committed; the next commit has to say it.
        run.Draft.SetRun(entry => entry);
        return next with { Complete = false, Topics = Instead(next.Topics, waiting, run.Session.Manifest!.Topics) };
    }

    private static Dictionary<string, TopicEntry> Instead(
        IReadOnlyDictionary<string, TopicEntry> topics,
        IReadOnlyCollection<string> replaced,
        IReadOnlyDictionary<string, TopicEntry> by
    ) =>
        topics
            .Values.Select(t => replaced.Contains(t.Name) ? by.GetValueOrDefault(t.Name) : t)
            .OfType<TopicEntry>()
            .ToDictionary(t => t.Name, StringComparer.Ordinal);

    /// <summary>Segments of withdrawn topics: only this run knows their keys, and no manifest has ever named them.</summary>
    private async Task RemoveAsync()
    {
        foreach (var key in run.Draft.TakeUnnamed())
        {
            try
            {
                await run.Session.Deletion.DeleteAsync(key, CancellationToken.None).ConfigureAwait(false);
            }
            catch (KafkaBackupException error) when (error.Definition != ErrorIds.BackupLockLost)
            {
                run.Findings.Add(
                    new Finding(
                        FindingSeverity.Warning,
                        FindingKind.Orphaned,
                        key,
                        $"A segment that is not part of the backup was not removed: {error.Message}",
                        "It does no harm but takes room; Repair-KafkaBackup removes it."
                    )
                );
            }
        }
    }

    public async Task DrainAsync() => await _background.ConfigureAwait(false);

    public void Dispose()
    {
        _failed.Dispose();
        _one.Dispose();
    }
}
