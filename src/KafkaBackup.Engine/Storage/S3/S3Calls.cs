using Amazon.S3;
using KafkaBackup.Engine.Storage.Remote;

namespace KafkaBackup.Engine.Storage.S3;

/// <summary>What a request is, for its time limit and for messages.</summary>
/// <param name="Action">The right it needs, as policies name it: "s3:PutObject".</param>
/// <param name="Key">The object's key in the store, or what is listed.</param>
/// <param name="Bytes">How much it moves.</param>
internal sealed record S3Call(string Action, string Key, long Bytes = 0)
{
    public bool Writes { get; init; }

    /// <summary>Its answer has no body, so that a refusal is but a number.</summary>
    public bool IsHead { get; init; }

    /// <summary>It finds out whether there is an S3 server at all.</summary>
    public bool Recognises { get; init; }

    /// <summary>Null takes the store's.</summary>
    public TimeSpan? RetryBudget { get; init; }
}

/// <summary>
/// The only place that tries again: single parts, and the end of an upload whose answer was lost, can be repeated nowhere else; a store
/// above this one must not repeat once more. Errors that leave here still say by <see cref="StoreFault"/> whether they were of the passing
/// kind, for those who report them.
/// </summary>
internal sealed class S3Calls(S3Connection connection, S3Faults faults, S3Limits limits, Action<RetryNotice>? onRetry, TimeProvider time)
{
    private readonly RequestPace _pace = new(limits.Retry, time);
    private volatile bool _sendDigests;

    public AmazonS3Client Client => connection.Client;

    /// <summary>True once a server has asked for Content-MD5 (buckets with object lock do); others are not bothered with it.</summary>
    public bool SendDigests => _sendDigests;

    public async Task<T> RunAsync<T>(S3Call call, Func<CancellationToken, Task<T>> attempt, CancellationToken cancel)
    {
        var started = time.GetTimestamp();
        var failures = 0;
        var renewed = false;
        var clockCorrected = false;
        for (var number = 1; ; number++)
        {
            cancel.ThrowIfCancellationRequested();
            await _pace.WaitAsync(cancel).ConfigureAwait(false);
            var digests = _sendDigests;
            S3Fault fault;
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
                case S3Recovery.Again when elapsed < (call.RetryBudget ?? limits.Retry.Budget):
                    var delay = limits.Retry.DelayBefore(++failures, Random.Shared.NextDouble());
                    onRetry?.Invoke(new RetryNotice(faults.Describe(call), number, delay, fault.Error));
                    await Task.Delay(delay, time, cancel).ConfigureAwait(false);
                    break;
                case S3Recovery.SlowDown when elapsed < limits.ThrottleBudget:
                    onRetry?.Invoke(new RetryNotice(faults.Describe(call), number, _pace.SlowDown(), fault.Error));
                    break;
                case S3Recovery.RenewCredentials when !renewed && connection.Credentials.CanRenew:
                    renewed = true;
                    connection.Credentials.Renew();
                    break;
                case S3Recovery.CorrectClock when !clockCorrected:
                    clockCorrected = true;
                    break;
                case S3Recovery.SendDigest when !digests:
                    _sendDigests = true;
                    break;
                default:
                    throw fault.Error;
            }
        }
    }

    public Task RunAsync(S3Call call, Func<CancellationToken, Task> attempt, CancellationToken cancel) =>
        RunAsync<bool>(
            call,
            async stop =>
            {
                await attempt(stop).ConfigureAwait(false);
                return true;
            },
            cancel
        );
}
