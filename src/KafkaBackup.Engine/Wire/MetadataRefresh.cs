using KafkaBackup.Engine.Wire.Connections;
using KafkaBackup.Engine.Wire.Messages;

namespace KafkaBackup.Engine.Wire;

/// <summary>
/// Asks for the metadata of topics, one request at a time. What is asked for while a request is under way goes together into the next one,
/// so that a thousand partitions that lose their leader cost a few requests. Between two requests there is a pause.
/// </summary>
internal sealed class MetadataRefresh(
    WireOptions options,
    MetadataCache cache,
    Func<MetadataRequest, CancellationToken, Task<MetadataResponse>> ask
)
{
    private const double Jitter = 0.2;

    private readonly object _gate = new();
    private HashSet<string> _wanted = new(StringComparer.Ordinal);
    private TaskCompletionSource _next = NewRound();
    private bool _isAsked;
    private bool _isRunning;
    private long _last;

    /// <summary>Ends when an answer has arrived that was asked for after this call.</summary>
    /// <param name="closing">Ends the asking itself, for all who wait.</param>
    public async Task RefreshAsync(IEnumerable<string> topics, CancellationToken closing, CancellationToken cancel)
    {
        Task round;
        lock (_gate)
        {
            _wanted.UnionWith(topics);
            _isAsked = true;
            round = _next.Task;
            if (!_isRunning)
            {
                _isRunning = true;
                _ = Task.Run(() => RunAsync(closing), CancellationToken.None);
            }
        }

        try
        {
            await round.WaitAsync(cancel).ConfigureAwait(false);
        }
        catch (WireException shared)
        {
            throw shared.Again();
        }
    }

    private async Task RunAsync(CancellationToken closing)
    {
        while (true)
        {
            await PauseAsync(closing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            HashSet<string> topics;
            TaskCompletionSource round;
            lock (_gate)
            {
                if (!_isAsked)
                {
                    _isRunning = false;
                    return;
                }

                _isAsked = false;
                (topics, _wanted) = (_wanted, new HashSet<string>(StringComparer.Ordinal));
                (round, _next) = (_next, NewRound());
            }

            try
            {
                cache.Update(await ask(new MetadataRequest { Topics = topics }, closing).ConfigureAwait(false));
                round.SetResult();
            }
            catch (Exception failed)
            {
                round.SetException(
                    failed is OperationCanceledException
                        ? new WireException(WireFailure.Closed, "The client was closed while it asked for metadata.")
                        : failed
                );
                _ = round.Task.Exception; // whoever asked may have gone
            }

            Volatile.Write(ref _last, options.Clock.GetTimestamp());
        }
    }

    private Task PauseAsync(CancellationToken closing)
    {
        var last = Volatile.Read(ref _last);
        var rest =
            last == 0
                ? TimeSpan.Zero
                : Backoff.After(1, options.RetryBackoff, options.RetryBackoff, Jitter) - options.Clock.GetElapsedTime(last);
        return rest > TimeSpan.Zero ? Task.Delay(rest, options.Clock, closing) : Task.CompletedTask;
    }

    private static TaskCompletionSource NewRound() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
