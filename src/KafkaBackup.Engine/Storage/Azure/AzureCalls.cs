using KafkaBackup.Engine.Storage.Remote;

namespace KafkaBackup.Engine.Storage.Azure;

/// <summary>
/// The only place that tries again: single blocks, and conditional writes whose answer was lost, can be repeated nowhere else. The SDK's
/// own retries are off, and a store above this one must not repeat once more. Errors that leave here still say by <see cref="StoreFault"/>
/// whether they were of the passing kind, for those who report them.
/// </summary>
internal sealed class AzureCalls(AzureFaults faults, AzureLimits limits, Action<RetryNotice>? onRetry, TimeProvider time)
{
    private readonly RequestPace _pace = new(limits.Retry, time);

    public async Task<T> RunAsync<T>(AzureCall call, Func<CancellationToken, Task<T>> attempt, CancellationToken cancel)
    {
        var started = time.GetTimestamp();
        var failures = 0;
        for (var number = 1; ; number++)
        {
            cancel.ThrowIfCancellationRequested();
            await _pace.WaitAsync(cancel).ConfigureAwait(false);
            AzureFault fault;
            using (var limit = new AttemptLimit(limits, call.Bytes, call.Writes, time, cancel))
            {
                try
                {
                    var result = await attempt(limit.Token).ConfigureAwait(false);
                    _pace.Succeeded();
                    return result;
                }
                catch (Exception e) when (e is OperationCanceledException or TimeoutException && cancel.IsCancellationRequested)
                {
                    throw new OperationCanceledException(e.Message, e, cancel);
                }
                catch (Exception e)
                {
                    fault = faults.Explain(e, call);
                }
            }

            var elapsed = time.GetElapsedTime(started);
            switch (fault.Recovery)
            {
                case AzureRecovery.Again when elapsed < (call.RetryBudget ?? limits.Retry.Budget):
                    var delay = limits.Retry.DelayBefore(++failures, Random.Shared.NextDouble());
                    onRetry?.Invoke(new RetryNotice(faults.Describe(call), number, delay, fault.Error));
                    await Task.Delay(delay, time, cancel).ConfigureAwait(false);
                    break;
                case AzureRecovery.SlowDown when elapsed < limits.ThrottleBudget:
                    onRetry?.Invoke(new RetryNotice(faults.Describe(call), number, _pace.SlowDown(), fault.Error));
                    break;
                default:
                    throw fault.Error;
            }
        }
    }
}
