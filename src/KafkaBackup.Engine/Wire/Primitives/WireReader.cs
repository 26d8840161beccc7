using System.Buffers.Binary;
using System.Text;

namespace KafkaBackup.Engine.Wire.Primitives;

internal delegate T ReadElement<out T>(ref WireReader reader);

/// <summary>
/// Reads Kafka's primitives from the body of one answer. <see cref="Flexible"/> decides between the two spellings of strings, byte strings
/// and arrays: fixed-width lengths, or varints of length + 1 with tagged fields after every structure. Everything is checked against the
/// bytes that are there before anything is allocated; an error names message, field and place.
/// </summary>
internal ref struct WireReader
{
    private readonly ReadOnlyMemory<byte> _memory;
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly string _message;
    private int _position;

    public WireReader(ReadOnlyMemory<byte> bytes, string message, short version, bool flexible, AnswerBuffer? buffer = null)
    {
        _memory = bytes;
        _bytes = bytes.Span;
        _message = message;
        Version = version;
        Flexible = flexible;
        Buffer = buffer;
    }

    public short Version { get; }

    public bool Flexible { get; }

    /// <summary>Where the bytes are from, for an answer that keeps memory of it.</summary>
    public AnswerBuffer? Buffer { get; }

    public readonly int Position => _position;

    public readonly int Remaining => _bytes.Length - _position;

    public sbyte Int8(string field) => (sbyte)Take(1, field)[0];

    public bool Bool(string field) => Take(1, field)[0] != 0;

    public short Int16(string field) => BinaryPrimitives.ReadInt16BigEndian(Take(2, field));

    public int Int32(string field) => BinaryPrimitives.ReadInt32BigEndian(Take(4, field));

    public long Int64(string field) => BinaryPrimitives.ReadInt64BigEndian(Take(8, field));

    public Guid Uuid(string field) => new(Take(16, field), bigEndian: true);

    public WireErrorCode Error(string field = "error_code") => (WireErrorCode)Int16(field);

    public TimeSpan Milliseconds(string field) => TimeSpan.FromMilliseconds(Math.Max(0, Int32(field)));

    public uint UnsignedVarint(string field)
    {
        uint value = 0;
        for (var shift = 0; shift <= 28; shift += 7)
        {
            var next = Take(1, field)[0];
            if (shift == 28 && next > 0x0f)
            {
                break;
            }

            value |= (uint)(next & 0x7f) << shift;
            if ((next & 0x80) == 0)
            {
                return value;
            }
        }

        throw Damaged(field, "a number is larger than 32 bits");
    }

    public string String(string field) => NullableString(field) ?? throw Damaged(field, "a text that must be there is missing");

    public string? NullableString(string field)
    {
        var length = Flexible ? CompactLength(field) : Int16(field);
        if (length < -1)
        {
            throw Damaged(field, $"a text has the length {length}");
        }

        return length < 0 ? null : Encoding.UTF8.GetString(Take(length, field));
    }

    public ReadOnlyMemory<byte> Bytes(string field) => NullableBytes(field) ?? throw Damaged(field, "bytes that must be there are missing");

    /// <summary>A slice of the answer itself, not a copy.</summary>
    public ReadOnlyMemory<byte>? NullableBytes(string field)
    {
        var length = Flexible ? CompactLength(field) : Int32(field);
        if (length < 0)
        {
            return length == -1 ? null : throw Damaged(field, $"bytes have the length {length}");
        }

        var start = _position;
        Take(length, field);
        return _memory.Slice(start, length);
    }

    /// <param name="leastBytes">The fewest bytes that one element takes: more elements than fit are refused before room for them is
    /// made.</param>
    /// <returns>-1 for an array that is null.</returns>
    public int ArrayLength(string field, int leastBytes)
    {
        var length = Flexible ? CompactLength(field) : Int32(field);
        if (length < -1)
        {
            throw Damaged(field, $"a list has the length {length}");
        }

        if ((long)length * leastBytes > Remaining)
        {
            throw Damaged(field, $"a list claims {length} entries in the {Remaining} bytes that are left");
        }

        return length;
    }

    public T[] Array<T>(string field, int leastBytes, ReadElement<T> element) =>
        NullableArray(field, leastBytes, element) ?? throw Damaged(field, "a list that must be there is missing");

    public T[]? NullableArray<T>(string field, int leastBytes, ReadElement<T> element)
    {
        var length = ArrayLength(field, leastBytes);
        if (length < 0)
        {
            return null;
        }

        if (length == 0)
        {
            return [];
        }

        var items = new T[length];
        for (var i = 0; i < items.Length; i++)
        {
            items[i] = element(ref this);
        }

        return items;
    }

    public int[] Int32Array(string field) => NullableArray(field, 4, (ref WireReader reader) => reader.Int32("entry")) ?? [];

    /// <summary>Steps over a structure's tagged fields.</summary>
    public void SkipTags()
    {
        var left = TagCount();
        while (NextTag(ref left, out _, out var end))
        {
            EndTag(end);
        }
    }

    /// <summary>How many tagged fields follow; none in versions that know no tags.</summary>
    public uint TagCount() => Flexible ? UnsignedVarint("tagged fields") : 0;

    public bool NextTag(ref uint left, out uint tag, out int end)
    {
        if (left == 0)
        {
            tag = 0;
            end = 0;
            return false;
        }

        left--;
        tag = UnsignedVarint("tag");
        var size = UnsignedVarint("size of a tagged field");
        if (size > (uint)Remaining)
        {
            throw Damaged($"tag {tag}", $"{size} bytes are claimed, {Remaining} are left");
        }

        end = _position + (int)size;
        return true;
    }

    /// <summary>Goes to the end of a tagged field, over whatever a newer broker put there.</summary>
    public void EndTag(int end)
    {
        if (_position > end)
        {
            throw Damaged("tagged fields", "a field is longer than the size it states");
        }

        _position = end;
    }

    public readonly WireException Damaged(string field, string why) =>
        new(WireFailure.Malformed, $"The answer to {_message} (version {Version}) cannot be read: {why}, in {field} at byte {_position}.");

    private int CompactLength(string field)
    {
        var value = UnsignedVarint(field);
        return value > int.MaxValue ? throw Damaged(field, $"a length of {value - 1L} is claimed") : (int)value - 1;
    }

    private ReadOnlySpan<byte> Take(int count, string field)
    {
        if ((uint)count > (uint)Remaining)
        {
            throw Damaged(field, $"{count} bytes are needed, {Remaining} are left");
        }

        var slice = _bytes.Slice(_position, count);
        _position += count;
        return slice;
    }
}
