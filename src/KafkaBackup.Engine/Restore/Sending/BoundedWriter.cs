using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// A transactional writer whose calls come to an end: it repeats them for as long as the brokers are
/// away. Each has a budget, and a stop lets go of it after a few seconds. A writer that was given
/// up is disposed of; what it left open is aborted by the next one with its transactional id.
/// </summary>
/// <param name="place">What is written to, for messages.</param>
internal sealed class BoundedWriter(RestoreScope scope, IRecordWriter writer, string place) : IDisposable
{
    /// <summary>Shorter than a transaction may last: who waits longer only waits for what the brokers do by themselves.</summary>
    private static readonly TimeSpan AbortBudget = TimeSpan.FromSeconds(30);

    /// <summary>Longer than a transaction may last: by then the brokers have aborted it.</summary>
    private static readonly TimeSpan CommitBudget = TimeSpan.FromSeconds(90);

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    public IRecordWriter Writer => writer;

    /// <summary>A call did not come to its end: this writer can only be disposed of.</summary>
    public bool IsGivenUp { get; private set; }

    /// <exception cref="KafkaBackupException">TargetUnavailable when the budget is used up.</exception>
    public Task InitAsync(CancellationToken stop) =>
        RequireAsync(writer.InitTransactionsAsync, "answer to InitProducerId", scope.DeliveryBudget, stop);

    public Task SendOffsetsAsync(string group, IReadOnlyCollection<GroupOffset> offsets, CancellationToken stop) =>
        RequireAsync(cancel => writer.SendOffsetsAsync(group, offsets, cancel), "write the progress", CommitBudget, stop);

    public Task CommitAsync(CancellationToken stop) => RequireAsync(writer.CommitTransactionAsync, "commit", CommitBudget, stop);

    /// <summary>False when it could not be done in time: this writer is of no more use.</summary>
    public Task<bool> TryAbortAsync(CancellationToken stop) => EndsAsync(writer.AbortTransactionAsync, AbortBudget, stop);

    public void Dispose() => writer.Dispose();

    private async Task RequireAsync(Func<CancellationToken, Task> call, string what, TimeSpan budget, CancellationToken stop)
    {
        if (!await EndsAsync(call, budget, stop).ConfigureAwait(false))
        {
            stop.ThrowIfCancellationRequested();
            throw ErrorIds.TargetUnavailable.With($"{place}: the cluster did not {what} within {budget.TotalSeconds:0} seconds.", place);
        }
    }

    private async Task<bool> EndsAsync(Func<CancellationToken, Task> call, TimeSpan budget, CancellationToken stop)
    {
        using var giveUp = new CancellationTokenSource();
        var running = call(giveUp.Token);
        var began = scope.Clock.GetTimestamp();
        long? stoppedAt = null;
        while (!running.IsCompleted)
        {
            await Task.WhenAny(running, Task.Delay(Tick, CancellationToken.None)).ConfigureAwait(false);
            stoppedAt ??= stop.IsCancellationRequested ? scope.Clock.GetTimestamp() : null;
            var stopIsOver = stoppedAt is { } since && scope.Clock.GetElapsedTime(since) > RestoreScope.StopPatience;
            if (stopIsOver || scope.Clock.GetElapsedTime(began) > budget)
            {
                await giveUp.CancelAsync().ConfigureAwait(false);
                break;
            }
        }

        try
        {
            await running.ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (giveUp.IsCancellationRequested)
        {
            IsGivenUp = true;
            return false;
        }
    }
}
