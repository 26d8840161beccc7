namespace KafkaBackup.Engine.Storage.S3;

/// <summary>The numbers of the S3 store, in one place, so that tests can make them small.</summary>
public sealed record S3Limits
{
    public static S3Limits Default { get; } = new();

    /// <summary>
    /// The size of an upload's first parts; also the largest object that is sent in one request. Servers refuse parts under 5 MiB.
    /// </summary>
    public int PartSize { get; init; } = 8 << 20;

    /// <summary>No object may have more parts than this; part sizes grow so that objects of several TiB stay below it.</summary>
    public int MaxParts { get; init; } = 10_000;

    /// <summary>
    /// The store's memory: what all its uploads together are filling and have on their way. Exceeded only where nothing is on its way, see
    /// UnsentBytes.
    /// </summary>
    public int UploadBytes { get; init; } = 24 << 20;

    /// <summary>
    /// What open uploads may hold in parts that are not full yet, before those with the most of it are asked to end. Parts cannot be
    /// smaller, so with more than eight uploads open at once only ending some keeps memory within a limit.
    /// </summary>
    public int UnsentBytes { get; init; } = 64 << 20;

    public RetryPolicy Retry { get; init; } = RetryPolicy.Default;

    /// <summary>The budget where the server only asks to slow down: it is well, and work gets done.</summary>
    public TimeSpan ThrottleBudget { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>The budget of the first request of a store, where an address is more likely wrong than a server ill.</summary>
    public TimeSpan RecogniseBudget { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>From here on the difference between the clocks is reported; S3 refuses 15 minutes.</summary>
    public TimeSpan NotableSkew { get; init; } = TimeSpan.FromMinutes(5);

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long an attempt may take, to which the time for its body at <see cref="SlowestBytesPerSecond"/> is added.</summary>
    public TimeSpan AttemptTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A connection slower than this counts as broken.</summary>
    public int SlowestBytesPerSecond { get; init; } = 64 << 10;

    /// <summary>What a write under way is given to end after a cancel, so that nothing is written after the call has returned.</summary>
    public TimeSpan CancelGrace { get; init; } = TimeSpan.FromSeconds(5);

    public TimeSpan TimeoutFor(long bytes) => AttemptTimeout + TimeSpan.FromSeconds((double)bytes / SlowestBytesPerSecond);
}
