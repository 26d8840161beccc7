namespace KafkaBackup.Engine.Batches;

/// <summary>
/// A batch that does not hold what it claims. <see cref="Place"/> counts bytes from the start of the batch, or, behind "in its decompressed
/// records", from the start of those.
/// </summary>
public sealed class BatchDamagedException(string reason, long place, Exception? inner = null)
    : Exception($"The record batch is damaged at byte {place}: {reason}.", inner)
{
    public string Reason { get; } = reason;

    public long Place { get; } = place;
}
