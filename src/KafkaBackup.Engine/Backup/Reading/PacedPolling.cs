using KafkaBackup.Engine.Pacing;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Keeps one reader thread to the run's rate limits (rule B14) without ever leaving it away for long: a poll hands out about a tenth of a
/// second's worth, one batch at least, and the wait for the next one is made of short pieces, in between which timers, stops and commits
/// have their turn. Bytes are those that the broker sent.
/// </summary>
internal sealed class PacedPolling(RateLimiter limiter, long? recordsPerSecond, long? bytesPerSecond, TimeProvider clock)
{
    private const double PollsPerSecond = 10;

    private static readonly TimeSpan Piece = TimeSpan.FromMilliseconds(20);

    private long _from = clock.GetTimestamp();
    private TimeSpan _wait;
    private long _polledRecords;
    private double _bytesPerRecord;

    public void Count(int records) => _polledRecords += records;

    public bool MayPoll(out long most)
    {
        most = long.MaxValue;
        if (limiter.IsUnlimited)
        {
            return true;
        }

        if (clock.GetElapsedTime(_from) < _wait)
        {
            return false;
        }

        // Before the first record its size is anybody's guess, so one batch comes alone.
        var bytes = recordsPerSecond is { } rate ? rate / PollsPerSecond * _bytesPerRecord : long.MaxValue;
        most = (long)Math.Clamp(Math.Min(bytes, (bytesPerSecond ?? long.MaxValue) / PollsPerSecond), 1, long.MaxValue / 2);
        return true;
    }

    public void Polled(long bytes)
    {
        if (_polledRecords > 0 && !limiter.IsUnlimited)
        {
            _bytesPerRecord = (double)bytes / _polledRecords;
            _wait = limiter.Take(_polledRecords, bytes);
            _from = clock.GetTimestamp();
        }

        _polledRecords = 0;
    }

    public void WaitABit(CancellationToken stop)
    {
        var left = _wait - clock.GetElapsedTime(_from);
        stop.WaitHandle.WaitOne(left < Piece ? TimeSpan.FromTicks(Math.Max(0, left.Ticks)) : Piece);
    }
}
