namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Writes the manifest: one commit at a time, at least every interval while a run has something new, by the clock and not only on traffic
/// (SEMANTICS B10). A commit that fails ends the run: what follows could not be made part of the backup.
/// </summary>
internal sealed class Committer(RunScope run) : IDisposable
{
    private readonly CancellationTokenSource _failed = CancellationTokenSource.CreateLinkedTokenSource(run.Session.LockLost);
    private readonly SemaphoreSlim _one = new(1);
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
                var next = run.Draft.Next(run.Clock.GetUtcNow(), complete);
                await run.Session.CommitAsync(next, CancellationToken.None).ConfigureAwait(false);
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

    public async Task DrainAsync() => await _background.ConfigureAwait(false);

    public void Dispose()
    {
        _failed.Dispose();
        _one.Dispose();
    }
}
