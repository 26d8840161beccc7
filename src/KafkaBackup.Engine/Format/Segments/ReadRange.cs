namespace KafkaBackup.Engine.Format.Segments;

/// <summary>
/// How a segment's bytes are got at: up to the buffer's length from the offset; fewer only at the end. The store's read, usually.
/// </summary>
public delegate ValueTask<int> ReadRange(long offset, Memory<byte> buffer, CancellationToken cancel);

internal static class ReadRangeExtensions
{
    /// <summary>Fills the buffer as far as there are bytes.</summary>
    public static async ValueTask<int> ReadFullyAsync(this ReadRange read, long offset, Memory<byte> buffer, CancellationToken cancel)
    {
        var total = 0;
        while (total < buffer.Length)
        {
            var count = await read(offset + total, buffer[total..], cancel).ConfigureAwait(false);
            if (count <= 0)
            {
                break;
            }

            total += count;
        }

        return total;
    }
}
