namespace KafkaBackup.Testing;

/// <summary>Runs as the system's does, and jumps when it is told to. Timers take real time.</summary>
public sealed class ShiftingClock : TimeProvider
{
    private long _shift;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public void Shift(TimeSpan by) => Interlocked.Add(ref _shift, by.Ticks);

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Interlocked.Read(ref _shift));

    public override long GetTimestamp() => GetUtcNow().Ticks;
}
