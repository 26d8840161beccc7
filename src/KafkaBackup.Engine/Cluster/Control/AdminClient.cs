using System.Diagnostics;
using KafkaBackup.Engine.Cluster.Native;
using ErrorCode = Confluent.Kafka.ErrorCode;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// Makes admin requests: waits for their answers off the caller's thread, explains silence by what the connections said meanwhile, and asks
/// again where an error passes by itself.
/// </summary>
internal sealed class AdminClient(KafkaClient client, TimeSpan connectTimeout) : IDisposable
{
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(30);

    /// <summary>How long errors that pass (elections, a coordinator that loads) are waited out.</summary>
    private static readonly TimeSpan RetryBudget = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// How long a question first waits for its answer; it may have gone to a broker that died just now. Each further attempt waits longer.
    /// </summary>
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(3);

    /// <summary>A refused log-in at one broker is final unless another broker lets us in within this time.</summary>
    private static readonly TimeSpan DefinitiveGrace = TimeSpan.FromMilliseconds(700);

    /// <summary>
    /// What the library is told of requests to a coordinator; how long they are waited for is decided here. A request that it gives up
    /// itself while it still looks for the coordinator aborts the process once that is found (librdkafka up to 2.15 at least: it lets go of
    /// the request twice).
    /// </summary>
    private static readonly TimeSpan CoordinatorTimeout = TimeSpan.FromMinutes(30);
    private const int PollSliceMs = 50;
    private const int ContactSliceMs = 200;

    private volatile bool _reached;

    public string Address => client.Address;

    /// <summary>Whether the retry budget that began then is used up.</summary>
    public static bool OutOfBudget(long started) => Stopwatch.GetElapsedTime(started) > RetryBudget;

    public static Task PauseAsync(CancellationToken cancel) => Task.Delay(RetryPause, cancel);

    /// <summary>
    /// Runs a blocking call of the library, after the first contact has been made. A cancelled caller goes on; the call ends in its own
    /// time.
    /// </summary>
    public async Task<T> BlockingAsync<T>(Func<nint, T> call, CancellationToken cancel)
    {
        await ReachAsync(cancel).ConfigureAwait(false);
        return await Task.Run(
                () =>
                {
                    using var lease = client.Hold();
                    var result = call(lease.Client);
                    client.Pump();
                    return result;
                },
                CancellationToken.None
            )
            .WaitAsync(cancel)
            .ConfigureAwait(false);
    }

    /// <summary>
    /// One admin request. Its answer is read before the event that carries it is destroyed; a failure as a whole is thrown.
    /// </summary>
    /// <param name="action">What it does, as the beginning of a sentence that ends in "failed".</param>
    /// <param name="target">What it is about.</param>
    public async Task<T> CallAsync<T>(AdminRequest<T> request, string action, object? target, CancellationToken cancel)
    {
        var (answer, error) = await TryCallAsync(request, cancel).ConfigureAwait(false);
        return error is { } failed ? throw Explain(failed, action, target) : answer!;
    }

    /// <summary>The same, for those who have a use for the error. Errors that pass have been waited out.</summary>
    public async Task<(T? Answer, NativeError? Error)> TryCallAsync<T>(AdminRequest<T> request, CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        for (var attempt = 0; ; attempt++)
        {
            var (answer, error) = await AskAsync(request, attempt, cancel).ConfigureAwait(false);
            if (error is null || !KafkaErrors.IsPassing(error.Value.Code) || OutOfBudget(started))
            {
                return (answer, error);
            }

            await LookAgainAsync(attempt, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>One attempt, for those who ask again in their own way.</summary>
    /// <param name="attempt">How many there have been.</param>
    public async Task<(T? Answer, NativeError? Error)> AskAsync<T>(AdminRequest<T> request, int attempt, CancellationToken cancel)
    {
        await ReachAsync(cancel).ConfigureAwait(false);

        // What changes something is waited for in full: to ask twice is to do it twice.
        var within =
            request.OnlyAsks && FirstWait * (1 << Math.Min(attempt, 8)) is var wait && wait < RequestTimeout ? wait : RequestTimeout;
        return await Task.Run(() => Call(request, within, cancel), cancel).ConfigureAwait(false);
    }

    /// <summary>
    /// Waits a little, and looks up the leaders again: the library goes on sending to the leader that it knows, though that one was lost or
    /// has handed over, and refreshes what it knows only when a connection breaks that it had.
    /// </summary>
    public async Task LookAgainAsync(int attempt, CancellationToken cancel)
    {
        await Task.Delay(RetryPause * (1 << Math.Min(attempt, 3)), cancel).ConfigureAwait(false);

        // Whatever comes of it: the broker that is asked may be the silent one, and the next attempt says so.
        _ = await BlockingAsync(handle => MetadataRequest.Ask(handle, (int)FirstWait.TotalMilliseconds), cancel).ConfigureAwait(false);
    }

    /// <summary>Silence is explained by what the connections said; every other error speaks for itself.</summary>
    public KafkaBackupException Explain(NativeError error, string action, object? target)
    {
        client.Pump();
        var silent =
            error.Code
            is ErrorCode.Local_TimedOut
                or ErrorCode.Local_Transport
                or ErrorCode.Local_AllBrokersDown
                or ErrorCode.Local_TimedOutQueue;
        return (silent ? client.Faults.MostTelling : null) switch
        {
            null => PassingFault.Mark(KafkaErrors.Request(error, action, target, Address), error.Code),
            { } reason when _reached && error.Code != ErrorCode.Local_AllBrokersDown && !KafkaErrors.IsDefinitive(reason) =>
                KafkaErrors.Silence(reason, action, target, Address),
            { } reason => KafkaErrors.Connection(reason, Address),
        };
    }

    public void Dispose() => client.Dispose();

    private unsafe (T? Answer, NativeError? Error) Call<T>(AdminRequest<T> request, TimeSpan within, CancellationToken cancel)
    {
        using var lease = client.Hold();
        var queue = LibRdKafka.rd_kafka_queue_new(lease.Client);
        var options = LibRdKafka.rd_kafka_AdminOptions_new(lease.Client, request.Operation);
        try
        {
            var toldTimeout = request.SeeksCoordinator ? CoordinatorTimeout : within;
            _ = LibRdKafka.rd_kafka_AdminOptions_set_request_timeout(options, (int)toldTimeout.TotalMilliseconds, null, 0);
            request.Configure?.Invoke(options);
            var started = Stopwatch.GetTimestamp();
            request.Start(lease.Client, options, queue);
            while (true)
            {
                cancel.ThrowIfCancellationRequested();
                if (request.SeeksCoordinator && Stopwatch.GetElapsedTime(started) > within)
                {
                    return (default, NativeError.From((int)ErrorCode.Local_TimedOut));
                }

                var nativeEvent = LibRdKafka.rd_kafka_queue_poll(queue, PollSliceMs);
                client.Pump();
                if (nativeEvent == 0)
                {
                    continue;
                }

                try
                {
                    var code = LibRdKafka.rd_kafka_event_error(nativeEvent);
                    if (code != 0)
                    {
                        return (default, NativeError.From(code, LibRdKafka.rd_kafka_event_error_string(nativeEvent)));
                    }

                    return (request.Read(nativeEvent), null);
                }
                finally
                {
                    LibRdKafka.rd_kafka_event_destroy(nativeEvent);
                }
            }
        }
        finally
        {
            LibRdKafka.rd_kafka_AdminOptions_destroy(options);
            LibRdKafka.rd_kafka_queue_destroy(queue);
        }
    }

    /// <summary>Makes sure, once, that some broker answers; else says why none does, within the connect time-out.</summary>
    private async Task ReachAsync(CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        if (_reached)
        {
            return;
        }

        await Task.Run(() => Reach(cancel), cancel).ConfigureAwait(false);
        _reached = true;
    }

    private void Reach(CancellationToken cancel)
    {
        using var lease = client.Hold();
        var started = Stopwatch.GetTimestamp();
        long? refusedAt = null;
        var slice = ContactSliceMs;
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            var code = AskForBrokers(lease.Client, slice);
            client.Pump();
            if (code == ErrorCode.NoError)
            {
                client.Faults.Clear();
                return;
            }

            if (client.Faults.Definitive is { } definitive)
            {
                refusedAt ??= Stopwatch.GetTimestamp();
                if (Stopwatch.GetElapsedTime(refusedAt.Value) > DefinitiveGrace)
                {
                    throw KafkaErrors.FirstContact(definitive, Address);
                }
            }

            var left = connectTimeout - Stopwatch.GetElapsedTime(started);
            if (left <= TimeSpan.Zero)
            {
                throw client.Faults.MostTelling is { } reason
                    ? KafkaErrors.FirstContact(reason, Address)
                    : KafkaErrors.NoAnswer(client.Faults.LastWords, connectTimeout, Address);
            }

            // A connected broker that takes its time is given all that is left; where none is connected yet, look again soon.
            slice = code == ErrorCode.Local_TimedOut ? Math.Min((int)left.TotalMilliseconds + 1, slice * 2) : ContactSliceMs;
        }
    }

    /// <summary>Metadata of no topic: the smallest question that a broker only answers to someone who is let in.</summary>
    private static unsafe ErrorCode AskForBrokers(nint handle, int timeoutMs)
    {
        NativeMetadata* metadata;
        var code = LibRdKafka.rd_kafka_metadata(handle, 0, 0, &metadata, timeoutMs);
        if (code == 0)
        {
            LibRdKafka.rd_kafka_metadata_destroy(metadata);
        }

        return (ErrorCode)code;
    }
}
