using System.Buffers.Binary;
using System.Text;

namespace KafkaBackup.LocalBroker.Wire;

/// <summary>
/// Reads Kafka's primitives from one request. <see cref="Flexible"/> decides between the two spellings of strings, byte
/// strings and arrays: fixed-width lengths, or varints of length + 1 with tagged fields after every structure.
/// </summary>
internal sealed class WireReader(ReadOnlyMemory<byte> data)
{
    private readonly ReadOnlyMemory<byte> _data = data;
    private int _position;

    public bool Flexible { get; set; }

    public int Remaining => _data.Length - _position;

    public sbyte Int8() => (sbyte)Take(1).Span[0];

    public bool Bool() => Int8() != 0;

    public short Int16() => BinaryPrimitives.ReadInt16BigEndian(Take(2).Span);

    public int Int32() => BinaryPrimitives.ReadInt32BigEndian(Take(4).Span);

    public long Int64() => BinaryPrimitives.ReadInt64BigEndian(Take(8).Span);

    public Guid Uuid() => new(Take(16).Span, bigEndian: true);

    public uint UnsignedVarint()
    {
        uint value = 0;
        for (var shift = 0; shift < 35; shift += 7)
        {
            var b = Take(1).Span[0];
            value |= (uint)(b & 0x7f) << shift;
            if ((b & 0x80) == 0)
                return value;
        }

        throw new MalformedRequestException("a varint is longer than five bytes");
    }

    public string String() => NullableString() ?? throw new MalformedRequestException("a string that must not be null is null");

    public string? NullableString()
    {
        var length = Flexible ? checked((int)UnsignedVarint()) - 1 : Int16();
        return length < 0 ? null : Encoding.UTF8.GetString(Take(length).Span);
    }

    /// <summary>The header's client id keeps its fixed-width length even in flexible versions.</summary>
    public string? LegacyNullableString()
    {
        var length = Int16();
        return length < 0 ? null : Encoding.UTF8.GetString(Take(length).Span);
    }

    public ReadOnlyMemory<byte> Bytes() =>
        NullableBytes() ?? throw new MalformedRequestException("a byte string that must not be null is null");

    public ReadOnlyMemory<byte>? NullableBytes()
    {
        var length = Flexible ? checked((int)UnsignedVarint()) - 1 : Int32();
        return length < 0 ? default(ReadOnlyMemory<byte>?) : Take(length);
    }

    public List<T> Array<T>(Func<WireReader, T> element) => NullableArray(element) ?? [];

    public List<T>? NullableArray<T>(Func<WireReader, T> element)
    {
        var count = Flexible ? checked((int)UnsignedVarint()) - 1 : Int32();
        if (count < 0)
            return null;
        if (count > Remaining)
            throw new MalformedRequestException($"an array claims {count} elements in {Remaining} bytes");
        var list = new List<T>(count);
        for (var i = 0; i < count; i++)
            list.Add(element(this));
        return list;
    }

    /// <summary>Steps over a structure's tagged fields: none of them changes what this broker does.</summary>
    public void Tags()
    {
        if (!Flexible)
            return;
        for (var count = UnsignedVarint(); count > 0; count--)
        {
            UnsignedVarint();
            Take(checked((int)UnsignedVarint()));
        }
    }

    private ReadOnlyMemory<byte> Take(int count)
    {
        if (count < 0 || count > Remaining)
            throw new MalformedRequestException($"{count} bytes are wanted, {Remaining} are left");
        var slice = _data.Slice(_position, count);
        _position += count;
        return slice;
    }
}

/// <summary>A request that does not follow its own schema; the connection is closed, as a Kafka broker does.</summary>
internal sealed class MalformedRequestException(string message) : Exception(message);
