using KafkaBackup.Engine.Pacing;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Keeps one reader thread to the run's rate limits (rule B14) without ever leaving it away for long: a poll hands out about a tenth of a
/// second's worth, and the wait for the next one is made of short pieces, in between which timers, stops and commits have their turn.
/// </summary>
internal sealed class PacedPolling(RateLimiter limiter, long? recordsPerSecond, long? bytesPerSecond, TimeProvider clock)
{
    private const double PollsPerSecond = 10;

    private static readonly TimeSpan Piece = TimeSpan.FromMilliseconds(20);

    private long _from = clock.GetTimestamp();
    private TimeSpan _wait;
    private long _polledBytes;
    private double _bytesPerRecord;

    public void Count(int payloadBytes) => _polledBytes += payloadBytes;

    public bool MayPoll(out int most)
    {
        most = int.MaxValue;
        if (limiter.IsUnlimited)
        {
            return true;
        }

        if (clock.GetElapsedTime(_from) < _wait)
        {
            return false;
        }

        var records = recordsPerSecond is { } rate ? rate / PollsPerSecond : int.MaxValue;
        if (bytesPerSecond is { } bytes)
        {
            // Before the first record its size is anybody's guess, so that one comes alone.
            records = Math.Min(records, _bytesPerRecord > 0 ? bytes / PollsPerSecond / _bytesPerRecord : 1);
        }

        most = (int)Math.Clamp(records, 1, int.MaxValue);
        return true;
    }

    public void Polled(int records)
    {
        if (records > 0 && !limiter.IsUnlimited)
        {
            _bytesPerRecord = Math.Max(1, (double)_polledBytes / records);
            _wait = limiter.Take(records, _polledBytes);
            _from = clock.GetTimestamp();
        }

        _polledBytes = 0;
    }

    public void WaitABit(CancellationToken stop)
    {
        var left = _wait - clock.GetElapsedTime(_from);
        stop.WaitHandle.WaitOne(left < Piece ? TimeSpan.FromTicks(Math.Max(0, left.Ticks)) : Piece);
    }
}
