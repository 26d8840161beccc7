using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Testing.Storage;

/// <summary>Any store, opened for tests that were written for one in memory. Like that one it outlives its users.</summary>
public sealed class OpenedStore(IStore inner) : ForwardingStore(inner), IOpenedStore
{
    public byte[] this[string key]
    {
        get => Wait(ReadWholeAsync(key));
        set => Wait(async () => await Inner.PutAsync(key, value, CancellationToken.None));
    }

    public IReadOnlyList<string> Keys => Wait(ListAsync());

    public bool Remove(string key)
    {
        var there = Wait(Inner.FindAsync(key, CancellationToken.None).AsTask()) is not null;
        Wait(async () => await Inner.DeleteAsync(key, CancellationToken.None));
        return there;
    }

#pragma warning disable CA2215 // Whoever opened the inner store closes it.
    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
#pragma warning restore CA2215

    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();

    private static void Wait(Func<Task> work) => work().GetAwaiter().GetResult();

    private async Task<byte[]> ReadWholeAsync(string key)
    {
        var found = await Inner.FindAsync(key, CancellationToken.None).ConfigureAwait(false) ?? throw new KeyNotFoundException(key);
        var content = new byte[found.Size];
        await Inner.ReadAsync(key, 0, content, CancellationToken.None).ConfigureAwait(false);
        return content;
    }

    private async Task<IReadOnlyList<string>> ListAsync()
    {
        var keys = new List<string>();
        await foreach (var found in Inner.ListAsync("", CancellationToken.None).ConfigureAwait(false))
        {
            keys.Add(found.Key);
        }

        return keys;
    }
}
