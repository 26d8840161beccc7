namespace KafkaBackup.Engine;

/// <summary>Two questions to two parties: a store and a cluster need not wait for each other.</summary>
internal static class ParallelPair
{
    /// <summary>Both answers. Where one question fails the other is cancelled; where both do, the first one's failure is thrown.</summary>
    public static async Task<(TFirst First, TSecond Second)> RunAsync<TFirst, TSecond>(
        Func<CancellationToken, Task<TFirst>> first,
        Func<CancellationToken, Task<TSecond>> second,
        CancellationToken cancel
    )
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var one = AskAsync(first, either);
        var two = AskAsync(second, either);
        await Task.WhenAll(one, two).ConfigureAwait(false);
        return (await one.ConfigureAwait(false), await two.ConfigureAwait(false));
    }

    private static async Task<T> AskAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationTokenSource either)
    {
        try
        {
            return await Task.Run(() => ask(either.Token), either.Token).ConfigureAwait(false);
        }
        catch
        {
            await either.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }
}
