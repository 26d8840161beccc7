namespace KafkaBackup.Engine.Pacing;

/// <summary>
/// Holds a whole operation, over all its partitions, to a number of records and bytes per second (rules B14, E6). Keeps a schedule: each
/// amount taken moves the time at which the next may be taken; what was not used is forgotten after a moment, so that a pause is not
/// followed by a burst.
/// </summary>
public sealed class RateLimiter(long? recordsPerSecond, long? bytesPerSecond, TimeProvider clock)
{
    // Long enough to make up for a busy machine's late wake-ups, short enough to stay well within the promise: over thirty seconds a second
    // is 3 %.
    private static readonly TimeSpan Credit = TimeSpan.FromSeconds(1);

    private readonly object _gate = new();
    private readonly long _start = clock.GetTimestamp();
    private double _recordsDue;
    private double _bytesDue;
    private bool _begun;

    public bool IsUnlimited => recordsPerSecond is null && bytesPerSecond is null;

    /// <summary>Takes the amounts and says how long to wait before taking more.</summary>
    public TimeSpan Take(long records, long bytes)
    {
        if (IsUnlimited)
        {
            return TimeSpan.Zero;
        }

        var now = clock.GetElapsedTime(_start).TotalSeconds;
        lock (_gate)
        {
            if (!_begun)
            {
                // The time before the first record is nobody's lateness.
                _begun = true;
                _recordsDue = _bytesDue = now;
            }

            _recordsDue = Schedule(_recordsDue, now, records, recordsPerSecond);
            _bytesDue = Schedule(_bytesDue, now, bytes, bytesPerSecond);
            return TimeSpan.FromSeconds(Math.Max(0, Math.Max(_recordsDue, _bytesDue) - now));
        }
    }

    private static double Schedule(double due, double now, long amount, long? perSecond) =>
        perSecond is { } rate ? Math.Max(due, now - Credit.TotalSeconds) + ((double)amount / rate) : due;
}
