namespace KafkaBackup.Engine.Storage.Remote;

/// <summary>
/// The time limit of one attempt. A cancel ends a read at once; a write gets a little while to end by itself, so that it does not go on
/// unseen.
/// </summary>
internal sealed class AttemptLimit : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly CancellationTokenRegistration _registration;

    /// <param name="bytes">How much the attempt moves.</param>
    public AttemptLimit(RemoteLimits limits, long bytes, bool writes, TimeProvider time, CancellationToken cancel)
    {
        _source = new CancellationTokenSource(limits.TimeoutFor(bytes), time);
        var grace = writes ? limits.CancelGrace : TimeSpan.Zero;
        _registration = cancel.Register(() => _source.CancelAfter(grace));
    }

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        _registration.Dispose();
        _source.Dispose();
    }
}
