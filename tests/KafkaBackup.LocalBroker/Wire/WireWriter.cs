using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using KafkaBackup.LocalBroker.Log;

namespace KafkaBackup.LocalBroker.Wire;

/// <summary>
/// Writes one response. Records are not copied in: <see cref="Records"/> notes where a slice of a log file belongs, and the
/// connection streams it from there.
/// </summary>
internal sealed class WireWriter : IDisposable
{
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(1024);
    private int _length;
    private long _sliceBytes;
    private readonly List<(int Position, FileSlice Slice)> _slices = [];

    public bool Flexible { get; set; }

    public int Length => _length;

    public long TotalLength => _length + _sliceBytes;

    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, _length);

    public IReadOnlyList<(int Position, FileSlice Slice)> Slices => _slices;

    public void Int8(sbyte value) => Reserve(1)[0] = (byte)value;

    public void Bool(bool value) => Int8(value ? (sbyte)1 : (sbyte)0);

    public void Int16(short value) => BinaryPrimitives.WriteInt16BigEndian(Reserve(2), value);

    public void Int32(int value) => BinaryPrimitives.WriteInt32BigEndian(Reserve(4), value);

    public void Int64(long value) => BinaryPrimitives.WriteInt64BigEndian(Reserve(8), value);

    public void Error(ErrorCode error) => Int16((short)error);

    public void Uuid(Guid value) => value.TryWriteBytes(Reserve(16), bigEndian: true, out _);

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
        if (value is null)
        {
            if (Flexible)
                UnsignedVarint(0);
            else
                Int16(-1);
            return;
        }

        var count = Encoding.UTF8.GetByteCount(value);
        if (Flexible)
            UnsignedVarint((uint)count + 1);
        else
            Int16(checked((short)count));
        Encoding.UTF8.GetBytes(value, Reserve(count));
    }

    public void Bytes(ReadOnlySpan<byte> value)
    {
        BytesLength(value.Length);
        value.CopyTo(Reserve(value.Length));
    }

    public void Raw(ReadOnlySpan<byte> value) => value.CopyTo(Reserve(value.Length));

    /// <summary>Takes ownership of the slice; it is released with the writer.</summary>
    public void Records(FileSlice? slice)
    {
        BytesLength(slice?.Length ?? 0);
        if (slice is null)
            return;
        _slices.Add((_length, slice));
        _sliceBytes += slice.Length;
    }

    public void Array<T>(IReadOnlyCollection<T> items, Action<WireWriter, T> element)
    {
        ArrayLength(items.Count);
        foreach (var item in items)
            element(this, item);
    }

    public void NullArray()
    {
        if (Flexible)
            UnsignedVarint(0);
        else
            Int32(-1);
    }

    public void Int32Array(IReadOnlyCollection<int> values) => Array(values, static (w, v) => w.Int32(v));

    public void Tags()
    {
        if (Flexible)
            UnsignedVarint(0);
    }

    /// <summary>Tagged fields, in the order of their numbers.</summary>
    public void Tags(params ReadOnlySpan<(uint Tag, Action<WireWriter>? Content)> fields)
    {
        var count = 0;
        foreach (var (_, content) in fields)
            count += content is null ? 0 : 1;
        UnsignedVarint((uint)count);
        foreach (var (tag, content) in fields)
        {
            if (content is null)
                continue;
            using var inner = new WireWriter { Flexible = true };
            content(inner);
            UnsignedVarint(tag);
            UnsignedVarint((uint)inner.Length);
            Raw(inner.Written.Span);
        }
    }

    public void PatchInt32(int position, int value) => BinaryPrimitives.WriteInt32BigEndian(_buffer.AsSpan(position), value);

    public void Dispose()
    {
        foreach (var (_, slice) in _slices)
            slice.Dispose();
        _slices.Clear();
        var buffer = _buffer;
        _buffer = [];
        _length = 0;
        if (buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(buffer);
    }

    private void ArrayLength(int count)
    {
        if (Flexible)
            UnsignedVarint((uint)count + 1);
        else
            Int32(count);
    }

    private void BytesLength(int length)
    {
        if (Flexible)
            UnsignedVarint((uint)length + 1);
        else
            Int32(length);
    }

    private Span<byte> Reserve(int count)
    {
        if (_length + count > _buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_buffer.Length * 2, _length + count));
            _buffer.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        var span = _buffer.AsSpan(_length, count);
        _length += count;
        return span;
    }
}
