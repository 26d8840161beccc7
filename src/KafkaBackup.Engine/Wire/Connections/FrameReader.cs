using System.Buffers.Binary;
using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Connections;

/// <summary>
/// Cuts what is received into frames. The start of a frame comes through a small buffer, so that small answers need one read; what follows
/// of a large one goes straight to where it stays.
/// </summary>
/// <param name="progress">Called whenever bytes arrived.</param>
internal sealed class FrameReader(WireTransport transport, WireBufferPool pool, Action progress)
{
    public const int LengthBytes = 4;
    public const int CorrelationBytes = 4;
    public const int HeadBytes = LengthBytes + CorrelationBytes;

    private readonly byte[] _start = new byte[16 * 1024];
    private int _from;
    private int _to;

    /// <summary>The frame's length as its first four bytes say, not checked yet.</summary>
    public int Length => BinaryPrimitives.ReadInt32BigEndian(_start.AsSpan(_from));

    public int CorrelationId => BinaryPrimitives.ReadInt32BigEndian(_start.AsSpan(_from + LengthBytes));

    /// <summary>The first bytes of the frame, for a message about them.</summary>
    public ReadOnlySpan<byte> Head => _start.AsSpan(_from, _to - _from);

    /// <summary>Reads until that many bytes of the frame's head are there.</summary>
    /// <returns>False when the connection ended before.</returns>
    public async ValueTask<bool> FillAsync(int count)
    {
        if (_from > 0)
        {
            _start.AsSpan(_from, _to - _from).CopyTo(_start);
            _to -= _from;
            _from = 0;
        }

        while (_to < count)
        {
            var read = await transport.ReadAsync(_start.AsMemory(_to)).ConfigureAwait(false);
            if (read == 0)
            {
                return false;
            }

            _to += read;
            progress();
        }

        return true;
    }

    /// <summary>The rest of the frame, after length and correlation id; null when the connection ended before its last byte.</summary>
    public async ValueTask<AnswerBuffer?> ReadBodyAsync()
    {
        var length = Length - CorrelationBytes;
        _from += HeadBytes;
        var bytes = pool.Rent(length);
        try
        {
            var have = Math.Min(length, _to - _from);
            _start.AsSpan(_from, have).CopyTo(bytes);
            _from += have;
            while (have < length)
            {
                var read = await transport.ReadAsync(bytes.AsMemory(have, length - have)).ConfigureAwait(false);
                if (read == 0)
                {
                    pool.Return(bytes);
                    return null;
                }

                have += read;
                progress();
            }
        }
        catch
        {
            pool.Return(bytes);
            throw;
        }

        return new AnswerBuffer(pool, bytes, length);
    }
}
