namespace KafkaBackup.Engine.Wire.Primitives;

/// <summary>
/// The bytes of one answer. Whoever keeps memory of it holds a reference; the last one that lets go gives the buffer back to its pool, and
/// the memory must not be touched after that. It begins with one reference, which belongs to whoever made it.
/// </summary>
internal sealed class AnswerBuffer(WireBufferPool pool, byte[] bytes, int length)
{
    private byte[]? _bytes = bytes;
    private int _references = 1;

    public ReadOnlyMemory<byte> Memory => (_bytes ?? throw new ObjectDisposedException(nameof(AnswerBuffer))).AsMemory(0, length);

    /// <summary>Must be called by somebody who holds a reference.</summary>
    public void Retain()
    {
        ObjectDisposedException.ThrowIf(Interlocked.Increment(ref _references) <= 1, this);
    }

    public void Release()
    {
        var left = Interlocked.Decrement(ref _references);
        if (left == 0)
        {
            pool.Return(Interlocked.Exchange(ref _bytes, null)!);
        }
        else if (left < 0)
        {
            throw new InvalidOperationException("An answer's buffer was released more often than retained.");
        }
    }
}
