using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Testing.Storage;

/// <summary>
/// A process that is stopped and goes on later (SIGSTOP, a suspended machine): from the chosen call on every call of this store waits,
/// heartbeats too, until <see cref="Continue"/>.
/// </summary>
/// <param name="pauseAt">The first call that waits; asked for each call in turn until it says yes.</param>
public sealed class PausedStore(IStore inner, Func<StoreCall, string, bool> pauseAt) : InterceptingStore(inner)
{
    private readonly object _gate = new();
    private readonly TaskCompletionSource _paused = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _continued = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the process stands still.</summary>
    public Task Paused => _paused.Task;

    public void Continue() => _continued.TrySetResult();

    protected override async ValueTask BeforeAsync(StoreCall call, string key, CancellationToken cancel)
    {
        lock (_gate)
        {
            if (!_paused.Task.IsCompleted && pauseAt(call, key))
            {
                _paused.SetResult();
            }
        }

        if (_paused.Task.IsCompleted)
        {
            // Whoever stands still hears no cancellation.
            await _continued.Task.ConfigureAwait(false);
        }
    }

    protected override void After(StoreCall call, string key) { }
}
