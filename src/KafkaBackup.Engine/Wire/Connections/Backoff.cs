namespace KafkaBackup.Engine.Wire.Connections;

/// <summary>Pauses between attempts: doubled each time, up to a limit, and never quite the same for two clients.</summary>
internal static class Backoff
{
    /// <param name="failures">How many attempts failed so far, at least one.</param>
    public static TimeSpan After(int failures, TimeSpan first, TimeSpan most, double jitter)
    {
        var pause = Math.Min(first.TotalMilliseconds * Math.Pow(2, Math.Min(failures - 1, 30)), most.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(pause * (1 - jitter + (2 * jitter * Random.Shared.NextDouble())));
    }
}
