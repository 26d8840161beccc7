namespace KafkaBackup.LocalBroker.Topics;

/// <summary>
/// A quota on reading, as Kafka had it before 2.6: an answer that goes beyond it is sent empty, with the time to wait, and the connection
/// is not heard meanwhile. An answer larger than all that the window holds is never sent.
/// </summary>
/// <param name="free">So many bytes are given before it begins.</param>
internal sealed class FetchQuota(int bytesPerSecond, TimeSpan window, long free, TimeProvider clock)
{
    private readonly object _gate = new();
    private readonly double _most = bytesPerSecond * window.TotalSeconds;
    private double _left = bytesPerSecond * window.TotalSeconds;
    private long _at = clock.GetTimestamp();
    private long _free = free;

    /// <returns>How long to wait; zero for an answer that may be sent.</returns>
    public TimeSpan Take(long bytes)
    {
        lock (_gate)
        {
            if (_free > 0)
            {
                _free -= bytes;
                return TimeSpan.Zero;
            }

            var now = clock.GetTimestamp();
            _left = Math.Min(_most, _left + (clock.GetElapsedTime(_at, now).TotalSeconds * bytesPerSecond));
            _at = now;
            if (bytes <= _left)
            {
                _left -= bytes;
                return TimeSpan.Zero;
            }

            return TimeSpan.FromSeconds(Math.Min(window.TotalSeconds, (bytes - _left) / bytesPerSecond));
        }
    }
}
