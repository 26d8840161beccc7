namespace KafkaBackup.Engine.Storage;

/// <summary>How long and how often to try again.</summary>
/// <param name="FirstDelay">The upper bound of the first wait; it doubles with each further one.</param>
/// <param name="LongestDelay">Where doubling ends.</param>
/// <param name="Budget">From the first failure of a call on; after that its error stands.</param>
public sealed record RetryPolicy(TimeSpan FirstDelay, TimeSpan LongestDelay, TimeSpan Budget)
{
    /// <summary>Two minutes: longer than a store's usual failover, shorter than an operator's patience.</summary>
    public static RetryPolicy Default { get; } = new(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(2));

    /// <summary>Half of the delay is fixed, half is random: clients that failed together do not come back together.</summary>
    /// <param name="random">From 0 to below 1.</param>
    public TimeSpan DelayBefore(int attempt, double random)
    {
        var ticks = Math.Min(LongestDelay.Ticks, FirstDelay.Ticks * Math.Pow(2, Math.Min(attempt - 1, 30)));
        return TimeSpan.FromTicks((long)(ticks * (0.5 + (random / 2))));
    }
}

/// <summary>One failed attempt that will be repeated.</summary>
public sealed record RetryNotice(string Operation, int Attempt, TimeSpan Delay, Exception Error);
