using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Catalog;

/// <summary>Reading small objects whole.</summary>
internal static class ObjectReading
{
    private const int FirstRead = 64 * 1024;
    private const int MostOnTrust = 1024 * 1024;

    /// <summary>Far more than any head or page of ours, and small enough to refuse what somebody else put there.</summary>
    private const int Largest = 512 * 1024 * 1024;

    /// <summary>Null when there is no such object. The size need not be known: it may change between a question and the read.</summary>
    public static async ValueTask<byte[]?> ReadWholeAsync(IStore store, string key, long expectedSize, CancellationToken cancel)
    {
        // The size may be what somebody claims: more than a little is only taken when the bytes do come.
        var buffer = new byte[
            expectedSize is > 0 and < MostOnTrust ? expectedSize + 1
            : expectedSize >= MostOnTrust ? MostOnTrust
            : FirstRead
        ];
        var count = 0;
        try
        {
            while (true)
            {
                var read = await store.ReadAsync(key, count, buffer.AsMemory(count), cancel).ConfigureAwait(false);
                count += read;
                if (count < buffer.Length)
                {
                    return count == buffer.Length ? buffer : buffer[..count];
                }

                if (buffer.Length >= Largest)
                {
                    throw ErrorIds.StoreRead.With(
                        $"'{key}' in {store.Location} is larger than anything this tool writes there.",
                        key,
                        "Look at what the object is; it is not read."
                    );
                }

                Array.Resize(ref buffer, buffer.Length * 4);
            }
        }
        catch (KafkaBackupException e) when (e.Definition == ErrorIds.StoreObjectMissing)
        {
            return null;
        }
    }
}
