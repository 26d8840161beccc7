using System.Buffers;

namespace KafkaBackup.Engine.Wire.Primitives;

/// <summary>
/// Buffers for what goes over connections. Small ones come from the shared pool. Large ones, the answers to fetches, are kept here: the
/// shared pool rounds up to powers of two and keeps what it once had, which for answers of some megabytes is most of a process's memory.
/// Any thread may call it.
/// </summary>
internal sealed class WireBufferPool(long retainedBytes = WireBufferPool.DefaultRetainedBytes)
{
    public const long DefaultRetainedBytes = 64L << 20;

    /// <summary>A power of two: the shared pool gives no larger buffer for this size, so that each one finds its way back.</summary>
    private const int SharedUpTo = 128 * 1024;

    private const int Granularity = 256 * 1024;

    private readonly object _gate = new();
    private readonly List<byte[]> _free = [];
    private long _retained;
    private long _outstanding;

    /// <summary>Buffers that were rented and have not come back yet.</summary>
    public long Outstanding => Interlocked.Read(ref _outstanding);

    /// <summary>Bytes of large buffers that wait here for their next use.</summary>
    public long Retained
    {
        get
        {
            lock (_gate)
            {
                return _retained;
            }
        }
    }

    /// <returns>A buffer of at least that many bytes, with undefined content.</returns>
    public byte[] Rent(int bytes)
    {
        Interlocked.Increment(ref _outstanding);
        if (bytes <= SharedUpTo)
        {
            return ArrayPool<byte>.Shared.Rent(bytes);
        }

        lock (_gate)
        {
            // The smallest that is large enough, but none of more than twice the size: a small answer must not hold a large buffer.
            var best = -1;
            for (var i = 0; i < _free.Count; i++)
            {
                var length = _free[i].Length;
                if (length >= bytes && length / 2 <= bytes && (best < 0 || length < _free[best].Length))
                {
                    best = i;
                }
            }

            if (best >= 0)
            {
                var buffer = _free[best];
                _free[best] = _free[^1];
                _free.RemoveAt(_free.Count - 1);
                _retained -= buffer.Length;
                return buffer;
            }
        }

        var rounded = ((long)bytes + Granularity - 1) / Granularity * Granularity;
        return GC.AllocateUninitializedArray<byte>((int)Math.Min(rounded, Array.MaxLength));
    }

    public void Return(byte[] buffer)
    {
        Interlocked.Decrement(ref _outstanding);
        if (buffer.Length <= SharedUpTo)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            return;
        }

        lock (_gate)
        {
            // The oldest give way: sizes that are no longer asked for must not fill the pool.
            while (_free.Count > 0 && _retained + buffer.Length > retainedBytes)
            {
                _retained -= _free[0].Length;
                _free.RemoveAt(0);
            }

            if (buffer.Length <= retainedBytes)
            {
                _free.Add(buffer);
                _retained += buffer.Length;
            }
        }
    }
}
