using System.Diagnostics;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// Notices that this process did not run for a while: it was stopped, or its machine slept. Another process may have taken its place
/// meanwhile, and a broker may have forgotten the producer, so nothing may be sent before the target has been looked at (rule L6).
/// </summary>
internal sealed class PauseWatch : IDisposable
{
    /// <summary>Shorter than the quiet time after which another process goes on.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _clock;
    private readonly ITimer _timer;
    private readonly object _gate = new();
    private (long Running, DateTimeOffset Wall) _seen;
    private TimeSpan? _paused;

    public PauseWatch(TimeProvider clock)
    {
        _clock = clock;
        _seen = (clock.GetTimestamp(), clock.GetUtcNow());
        _timer = clock.CreateTimer(static state => ((PauseWatch)state!).Look(), this, Step, Step);
    }

    /// <summary>How long this process has not run, if it has not; asked right before something is sent.</summary>
    public TimeSpan? Look()
    {
        lock (_gate)
        {
            // While a machine sleeps, only the wall clock goes on.
            var now = (Running: _clock.GetTimestamp(), Wall: _clock.GetUtcNow());
            var running = _clock.GetElapsedTime(_seen.Running, now.Running);
            var wall = now.Wall - _seen.Wall;
            _seen = now;
            var longest = running > wall ? running : wall;
            return _paused ??= longest > Limit ? longest : null;
        }
    }

    /// <summary>The target has been looked at, and nothing waits to be sent.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            _seen = (_clock.GetTimestamp(), _clock.GetUtcNow());
            _paused = null;
        }
    }

    public void Dispose() => _timer.Dispose();
}
