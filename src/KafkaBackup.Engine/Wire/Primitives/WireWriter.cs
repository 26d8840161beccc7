using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace KafkaBackup.Engine.Wire.Primitives;

internal delegate void WriteElement<in T>(WireWriter writer, T element);

/// <summary>
/// Writes one request into pooled memory. Record batches are not copied in: <see cref="Records"/> notes where they belong, and the
/// connection sends them from where they are. Not for several threads.
/// </summary>
internal sealed class WireWriter : IDisposable
{
    private const int CopiedUpTo = 4096;

    private readonly List<(int Position, ReadOnlyMemory<byte> Bytes)> _references = [];
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(512);
    private int _length;
    private long _referenced;

    public short Version { get; private set; }

    public bool Flexible { get; private set; }

    /// <summary>Bytes of the whole frame, those of referenced memory included.</summary>
    public long TotalLength => _length + _referenced;

    /// <summary>Begins a frame; its length is filled in by <see cref="EndFrame"/>.</summary>
    public void BeginFrame(WireApi api, short version, int correlationId, string? clientId)
    {
        Version = version;
        Flexible = version >= api.FlexibleFrom;
        Int32(0);
        Int16((short)api.Key);
        Int16(version);
        Int32(correlationId);

        // The client id keeps its fixed-width length in every version.
        LegacyString(clientId);
        Tags();
    }

    public void EndFrame() => BinaryPrimitives.WriteInt32BigEndian(_buffer, checked((int)(TotalLength - 4)));

    /// <summary>For tests: a body without a frame.</summary>
    public void BeginBody(short version, bool flexible)
    {
        Version = version;
        Flexible = flexible;
    }

    public void Int8(sbyte value) => Reserve(1)[0] = (byte)value;

    public void Bool(bool value) => Reserve(1)[0] = value ? (byte)1 : (byte)0;

    public void Int16(short value) => BinaryPrimitives.WriteInt16BigEndian(Reserve(2), value);

    public void Int32(int value) => BinaryPrimitives.WriteInt32BigEndian(Reserve(4), value);

    public void Int64(long value) => BinaryPrimitives.WriteInt64BigEndian(Reserve(8), value);

    public void Uuid(Guid value) => value.TryWriteBytes(Reserve(16), bigEndian: true, out _);

    public void Milliseconds(TimeSpan value) => Int32((int)Math.Clamp(value.TotalMilliseconds, 0, int.MaxValue));

    public void UnsignedVarint(uint value)
    {
        while (value >= 0x80)
        {
            Reserve(1)[0] = (byte)(value | 0x80);
            value >>= 7;
        }

        Reserve(1)[0] = (byte)value;
    }

    public void String(string? value)
    {
        if (!Flexible)
        {
            LegacyString(value);
            return;
        }

        if (value is null)
        {
            UnsignedVarint(0);
            return;
        }

        var count = Encoding.UTF8.GetByteCount(value);
        UnsignedVarint((uint)count + 1);
        Encoding.UTF8.GetBytes(value, Reserve(count));
    }

    public void Bytes(ReadOnlySpan<byte> value)
    {
        BytesLength(value.Length);
        value.CopyTo(Reserve(value.Length));
    }

    /// <summary>
    /// Records in two pieces, one behind the other: a header of ours and the records part that stays where it is. Both must stay as they
    /// are until the request is answered.
    /// </summary>
    public void Records(ReadOnlyMemory<byte> head, ReadOnlyMemory<byte> rest)
    {
        BytesLength(checked(head.Length + rest.Length));
        Reference(head);
        Reference(rest);
    }

    public void Array<T>(IReadOnlyCollection<T>? items, WriteElement<T> element)
    {
        if (items is null)
        {
            ArrayLength(-1);
            return;
        }

        ArrayLength(items.Count);
        foreach (var item in items)
        {
            element(this, item);
        }
    }

    public void Int32Array(IReadOnlyCollection<int> values) => Array(values, static (writer, value) => writer.Int32(value));

    public void ArrayLength(int count)
    {
        if (Flexible)
        {
            UnsignedVarint((uint)(count + 1));
        }
        else
        {
            Int32(count);
        }
    }

    /// <summary>The end of a structure: no request of ours has tagged fields.</summary>
    public void Tags()
    {
        if (Flexible)
        {
            UnsignedVarint(0);
        }
    }

    /// <summary>The frame in order, in as many pieces as there are.</summary>
    public void CopyPieces(List<ReadOnlyMemory<byte>> pieces)
    {
        var at = 0;
        foreach (var (position, bytes) in _references)
        {
            if (position > at)
            {
                pieces.Add(_buffer.AsMemory(at, position - at));
            }

            pieces.Add(bytes);
            at = position;
        }

        if (_length > at)
        {
            pieces.Add(_buffer.AsMemory(at, _length - at));
        }
    }

    public byte[] ToArray()
    {
        var pieces = new List<ReadOnlyMemory<byte>>();
        CopyPieces(pieces);
        var all = new byte[TotalLength];
        var at = 0;
        foreach (var piece in pieces)
        {
            piece.CopyTo(all.AsMemory(at));
            at += piece.Length;
        }

        return all;
    }

    public void Dispose()
    {
        var buffer = _buffer;
        _buffer = [];
        _length = 0;
        _references.Clear();
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void LegacyString(string? value)
    {
        if (value is null)
        {
            Int16(-1);
            return;
        }

        var count = Encoding.UTF8.GetByteCount(value);
        Int16(checked((short)count));
        Encoding.UTF8.GetBytes(value, Reserve(count));
    }

    private void BytesLength(int length)
    {
        if (Flexible)
        {
            UnsignedVarint((uint)length + 1);
        }
        else
        {
            Int32(length);
        }
    }

    private void Reference(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length <= CopiedUpTo)
        {
            bytes.Span.CopyTo(Reserve(bytes.Length));
            return;
        }

        _references.Add((_length, bytes));
        _referenced += bytes.Length;
    }

    private Span<byte> Reserve(int count)
    {
        if (_length + count > _buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_buffer.Length * 2, checked(_length + count)));
            _buffer.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        var span = _buffer.AsSpan(_length, count);
        _length += count;
        return span;
    }
}
