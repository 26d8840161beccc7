using System.Collections.Concurrent;

namespace KafkaBackup.Engine.Storage.S3;

/// <summary>
/// The memory of uploads. Parts are made of small chunks, so that an upload holds what it was given and not a whole part; chunks are used again. The bytes on their
/// way are bounded over all uploads of the store: who has a part to send waits for room, and that wait is the back-pressure.
/// </summary>
internal sealed class S3Buffers(int bytesInFlight) : IDisposable
{
    public const int ChunkSize = 64 << 10;

    private readonly ConcurrentBag<byte[]> _free = [];
    private readonly int _mostFree = bytesInFlight / ChunkSize;
    private readonly SemaphoreSlim _room = new(Math.Max(1, bytesInFlight / ChunkSize));
    private readonly SemaphoreSlim _turn = new(1, 1);

    public byte[] Rent() => _free.TryTake(out var chunk) ? chunk : GC.AllocateUninitializedArray<byte>(ChunkSize);

    public void Return(byte[] chunk)
    {
        if (_free.Count < _mostFree)
        {
            _free.Add(chunk);
        }
    }

    /// <summary>Waits for room for this many bytes, one after the other; a part larger than all the room goes alone. The result is for <see cref="Leave"/>.</summary>
    public async Task<int> EnterAsync(long bytes, CancellationToken cancel)
    {
        var wanted = (int)Math.Clamp((bytes + ChunkSize - 1) / ChunkSize, 1, Math.Max(1, _mostFree));
        var got = 0;
        await _turn.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            for (; got < wanted; got++)
            {
                await _room.WaitAsync(cancel).ConfigureAwait(false);
            }

            return wanted;
        }
        catch (OperationCanceledException)
        {
            Leave(got);
            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Leave(int entered)
    {
        if (entered > 0)
        {
            _room.Release(entered);
        }
    }

    public void Dispose()
    {
        _room.Dispose();
        _turn.Dispose();
        _free.Clear();
    }
}
