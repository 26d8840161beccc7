namespace KafkaBackup.Engine;

/// <summary>A plan and the one way to carry it out. Dispose releases connections; a plan that was not run has written nothing.</summary>
public sealed class PlannedOperation<TPlan, TResult>(TPlan plan, Func<CancellationToken, Task<TResult>> run, Func<ValueTask> release)
    : IAsyncDisposable
{
    public TPlan Plan => plan;

    /// <summary>Runs once. The token asks for a graceful stop: what is durable is committed and the result says Stopped.</summary>
    public Task<TResult> RunAsync(CancellationToken stop) => run(stop);

    public ValueTask DisposeAsync() => release();
}
