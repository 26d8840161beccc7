using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Testing.Storage;

/// <summary>The process has died: thrown by every store call from then on. No error of the product's, so nothing handles it.</summary>
public sealed class ProcessDiedException() : Exception("The process died here (simulated).");

/// <summary>Whether the call at which the process dies still takes effect: its answer is lost either way.</summary>
public enum CrashMoment
{
    BeforeCall,
    AfterCall,
}

/// <summary>
/// Kills the process at its n-th store call: that call and all later ones throw, and nothing cleans up: open uploads stay as they were,
/// never to be committed.
/// </summary>
public sealed class CrashStore(IStore inner, int dieAt, CrashMoment moment) : InterceptingStore(inner)
{
    private int _calls;

    public int Calls => Volatile.Read(ref _calls);

    public bool HasDied => Volatile.Read(ref _calls) >= dieAt;

    protected override bool LetsCleanUp => !HasDied;

    protected override ValueTask BeforeAsync(StoreCall call, string key, CancellationToken cancel)
    {
        var number = Interlocked.Increment(ref _calls);
        return number > dieAt || (number == dieAt && moment == CrashMoment.BeforeCall)
            ? throw new ProcessDiedException()
            : ValueTask.CompletedTask;
    }

    protected override void After(StoreCall call, string key)
    {
        if (HasDied)
        {
            throw new ProcessDiedException();
        }
    }
}

/// <summary>Runs a scenario again and again, and lets it die at each store call in turn.</summary>
public static class EnumeratedCrash
{
    private const int TooMany = 100_000;

    /// <param name="prepare">A fresh store in the state before the scenario.</param>
    /// <param name="scenario">Must end in an exception when its store dies.</param>
    /// <param name="recover">What an operator does next: run again, on the store as the dead process left it; and the checks.</param>
    /// <returns>How many crashes were tried.</returns>
    public static Task<int> RunAsync(Func<MemoryStore> prepare, Func<IStore, Task> scenario, Func<MemoryStore, string, Task> recover) =>
        RunAsync(() => Task.FromResult(prepare()), scenario, recover, step: 1);

    /// <param name="step">1 for every call; more for a sample, where a store makes each try take long.</param>
    public static async Task<int> RunAsync<TStore>(
        Func<Task<TStore>> prepare,
        Func<IStore, Task> scenario,
        Func<TStore, string, Task> recover,
        int step
    )
        where TStore : IStore
    {
        var crashes = 0;
        foreach (var moment in Enum.GetValues<CrashMoment>())
        {
            for (var dieAt = moment == CrashMoment.BeforeCall ? 1 : 1 + (step / 2); ; dieAt += step)
            {
                var store = await prepare().ConfigureAwait(false);
                var crashing = new CrashStore(store, dieAt, moment);
                var died = false;
                try
                {
                    await scenario(crashing).ConfigureAwait(false);
                }
                catch (ProcessDiedException)
                {
                    died = true;
                }

                if (!crashing.HasDied)
                {
                    break;
                }

                if (!died && crashing.Calls > dieAt)
                {
                    throw new InvalidOperationException($"The scenario went on although its process died {moment} {dieAt}.");
                }

                await recover(store, $"died {moment} {dieAt}").ConfigureAwait(false);
                if (++crashes > TooMany)
                {
                    throw new InvalidOperationException("The scenario never ends.");
                }
            }
        }

        return crashes;
    }
}
