namespace KafkaBackup.Engine.Storage.Remote;

/// <summary>
/// A server that asks to slow down asks the whole store: one delay for all calls, doubled at every such answer, halved by every success.
/// </summary>
internal sealed class RequestPace(RetryPolicy policy, TimeProvider time)
{
    private readonly object _lock = new();
    private TimeSpan _delay;
    private long _startedAt;

    /// <returns>The delay from now on.</returns>
    public TimeSpan SlowDown()
    {
        lock (_lock)
        {
            var doubled = _delay * 2;
            _delay =
                doubled < policy.FirstDelay ? policy.FirstDelay
                : doubled > policy.LongestDelay ? policy.LongestDelay
                : doubled;
            _startedAt = time.GetTimestamp();
            return _delay;
        }
    }

    public void Succeeded()
    {
        lock (_lock)
        {
            _delay = _delay / 2 < policy.FirstDelay / 2 ? TimeSpan.Zero : _delay / 2;
        }
    }

    /// <summary>Waits out what is left of the delay, spread so that waiting calls do not all come back in the same instant.</summary>
    public Task WaitAsync(CancellationToken cancel)
    {
        TimeSpan left;
        lock (_lock)
        {
            left =
                _delay == TimeSpan.Zero
                    ? TimeSpan.Zero
                    : (_delay * (0.75 + (Random.Shared.NextDouble() / 2))) - time.GetElapsedTime(_startedAt);
        }

        return left > TimeSpan.Zero ? Task.Delay(left, time, cancel) : Task.CompletedTask;
    }
}
