using System.Runtime.CompilerServices;

namespace KafkaBackup.Engine.Storage;

/// <summary>
/// Repeats calls that failed for a passing reason (<see cref="StoreFault.IsTransient"/>), with growing random delays within a budget; all
/// other errors stand at once. The parts of an upload are repeated inside their store, which alone knows what has arrived.
/// </summary>
public sealed class RetryingStore(
    IStore inner,
    RetryPolicy policy,
    TimeProvider clock,
    Func<double>? random = null,
    Action<RetryNotice>? onRetry = null
) : ForwardingStore(inner)
{
    private readonly Func<double> _random = random ?? Random.Shared.NextDouble;

    public override ValueTask<StoreObject?> FindAsync(string key, CancellationToken cancel) =>
        RepeatAsync($"find '{key}'", _ => Inner.FindAsync(key, cancel), cancel);

    public override ValueTask<int> ReadAsync(string key, long offset, Memory<byte> buffer, CancellationToken cancel) =>
        RepeatAsync($"read '{key}'", _ => Inner.ReadAsync(key, offset, buffer, cancel), cancel);

    public override ValueTask<IStoreUpload> CreateAsync(string key, CancellationToken cancel) =>
        RepeatAsync($"create '{key}'", _ => Inner.CreateAsync(key, cancel), cancel);

    public override async ValueTask PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel) =>
        await RepeatAsync(
                $"put '{key}'",
                async _ =>
                {
                    await Inner.PutAsync(key, content, cancel).ConfigureAwait(false);
                    return true;
                },
                cancel
            )
            .ConfigureAwait(false);

    /// <summary>
    /// A failed attempt may have written the object and lost the answer. So a "no" after a failure is looked at: an object of exactly our
    /// content is ours, because what is put this way carries the writer's name.
    /// </summary>
    public override ValueTask<bool> PutIfAbsentAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel) =>
        RepeatAsync(
            $"put '{key}'",
            async attempt =>
                await Inner.PutIfAbsentAsync(key, content, cancel).ConfigureAwait(false)
                || (attempt > 1 && await HoldsAsync(key, content, cancel).ConfigureAwait(false)),
            cancel
        );

    public override async ValueTask DeleteAsync(string key, CancellationToken cancel) =>
        await RepeatAsync(
                $"delete '{key}'",
                async _ =>
                {
                    await Inner.DeleteAsync(key, cancel).ConfigureAwait(false);
                    return true;
                },
                cancel
            )
            .ConfigureAwait(false);

    public override async ValueTask DropUploadAsync(StoreUpload upload, CancellationToken cancel) =>
        await RepeatAsync(
                $"drop '{upload.Key}'",
                async _ =>
                {
                    await Inner.DropUploadAsync(upload, cancel).ConfigureAwait(false);
                    return true;
                },
                cancel
            )
            .ConfigureAwait(false);

    public override ValueTask<DateTimeOffset> GetClockAsync(CancellationToken cancel) =>
        RepeatAsync("ask for the time", _ => Inner.GetClockAsync(cancel), cancel);

    public override IAsyncEnumerable<StoreObject> ListAsync(string prefix, CancellationToken cancel) =>
        ResumeAsync($"list '{prefix}'", () => Inner.ListAsync(prefix, cancel), static o => o.Key, cancel);

    public override IAsyncEnumerable<string> ListFoldersAsync(string prefix, CancellationToken cancel) =>
        ResumeAsync($"list '{prefix}'", () => Inner.ListFoldersAsync(prefix, cancel), static name => name + "/", cancel);

    /// <summary>Uploads are listed for cleaning: collected first, so that a repetition shows none twice.</summary>
    public override async IAsyncEnumerable<StoreUpload> ListUploadsAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        var all = await RepeatAsync(
                $"list '{prefix}'",
                async _ =>
                {
                    var uploads = new List<StoreUpload>();
                    await foreach (var upload in Inner.ListUploadsAsync(prefix, cancel).ConfigureAwait(false))
                    {
                        uploads.Add(upload);
                    }

                    return uploads;
                },
                cancel
            )
            .ConfigureAwait(false);
        foreach (var upload in all)
        {
            yield return upload;
        }
    }

    private async ValueTask<T> RepeatAsync<T>(string operation, Func<int, ValueTask<T>> call, CancellationToken cancel)
    {
        var patience = new Patience(this, operation);
        while (true)
        {
            try
            {
                return await call(patience.Attempt).ConfigureAwait(false);
            }
            catch (Exception e) when (StoreFault.IsTransient(e) && patience.Allows(e))
            {
                await patience.WaitAsync(cancel).ConfigureAwait(false);
            }
        }
    }

    /// <summary>A listing that breaks off is begun again, and what was shown already is skipped: the order is fixed.</summary>
    private async IAsyncEnumerable<T> ResumeAsync<T>(
        string operation,
        Func<IAsyncEnumerable<T>> list,
        Func<T, string> order,
        [EnumeratorCancellation] CancellationToken cancel
    )
    {
        string? shown = null;
        var patience = new Patience(this, operation);
        var source = list().GetAsyncEnumerator(cancel);
        try
        {
            while (true)
            {
                bool more;
                try
                {
                    more = await source.MoveNextAsync().ConfigureAwait(false);
                }
                catch (Exception e) when (StoreFault.IsTransient(e) && patience.Allows(e))
                {
                    await source.DisposeAsync().ConfigureAwait(false);
                    await patience.WaitAsync(cancel).ConfigureAwait(false);
                    source = list().GetAsyncEnumerator(cancel);
                    continue;
                }

                if (!more)
                {
                    yield break;
                }

                var key = order(source.Current);
                if (shown is null || string.CompareOrdinal(key, shown) > 0)
                {
                    shown = key;
                    patience = new Patience(this, operation);
                    yield return source.Current;
                }
            }
        }
        finally
        {
            await source.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask<bool> HoldsAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        var found = new byte[content.Length + 1];
        try
        {
            var count = await Inner.ReadAsync(key, 0, found, cancel).ConfigureAwait(false);
            return found.AsSpan(0, count).SequenceEqual(content.Span);
        }
        catch (KafkaBackupException e) when (e.Definition == ErrorIds.StoreObjectMissing)
        {
            return false;
        }
    }

    /// <summary>One call's attempts and what is left of its budget.</summary>
    private sealed class Patience(RetryingStore store, string operation)
    {
        private readonly IStore _inner = store.Inner;
        private long _firstFailure;
        private TimeSpan _delay;

        public int Attempt { get; private set; } = 1;

        public bool Allows(Exception error)
        {
            if (Attempt == 1)
            {
                _firstFailure = store.Clock.GetTimestamp();
            }

            _delay = store.Policy.DelayBefore(Attempt, store._random());
            if (store.Clock.GetElapsedTime(_firstFailure) + _delay > store.Policy.Budget)
            {
                return false;
            }

            store.OnRetry?.Invoke(new RetryNotice($"{operation} in {_inner.Location}", Attempt, _delay, error));
            return true;
        }

        public Task WaitAsync(CancellationToken cancel)
        {
            Attempt++;
            return Task.Delay(_delay, store.Clock, cancel);
        }
    }

    private RetryPolicy Policy { get; } = policy;

    private TimeProvider Clock { get; } = clock;

    private Action<RetryNotice>? OnRetry { get; } = onRetry;
}
