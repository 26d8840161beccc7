namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// What the task that sends waits for, and what others wait for from it: that there may be something to send, and that nothing is under
/// way. All but the waking is guarded by the gate.
/// </summary>
internal sealed class SenderSignal(object gate) : IDisposable
{
    private readonly SemaphoreSlim _wake = new(0, 1);
    private TaskCompletionSource? _quiet;
    private bool _isStepping;
    private bool _hasEnded;
    private int _requests;

    /// <summary>There may be something to send.</summary>
    public void Wake()
    {
        lock (_wake)
        {
            if (!_hasEnded && _wake.CurrentCount == 0)
            {
                _wake.Release();
            }
        }
    }

    public Task WaitAsync(TimeSpan most, CancellationToken cancel) => _wake.WaitAsync(most, cancel);

    /// <summary>Under the gate.</summary>
    public void StepBegins() => _isStepping = true;

    public void StepEnded()
    {
        lock (gate)
        {
            _isStepping = false;
            TellQuiet();
        }
    }

    /// <summary>Under the gate.</summary>
    public void RequestBegins() => _requests++;

    /// <summary>Under the gate.</summary>
    public void RequestEnded()
    {
        _requests--;
        TellQuiet();
    }

    /// <summary>Ends when no request is under way and none is being made.</summary>
    public Task QuietAsync(CancellationToken cancel)
    {
        lock (gate)
        {
            if (IsQuiet)
            {
                return Task.CompletedTask;
            }

            _quiet ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _quiet.Task.WaitAsync(cancel);
        }
    }

    /// <summary>Nobody waits any more.</summary>
    public void Dispose()
    {
        lock (_wake)
        {
            _hasEnded = true;
        }

        _wake.Dispose();
    }

    private bool IsQuiet => _requests == 0 && !_isStepping;

    private void TellQuiet()
    {
        if (IsQuiet && _quiet is { } waiting)
        {
            _quiet = null;
            waiting.SetResult();
        }
    }
}
