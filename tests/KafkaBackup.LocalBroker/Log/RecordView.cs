namespace KafkaBackup.LocalBroker.Log;

/// <summary>One record inside a decompressed batch; memory of the batch, not a copy.</summary>
internal readonly record struct RecordView(
    long Offset,
    long Timestamp,
    ReadOnlyMemory<byte>? Key,
    ReadOnlyMemory<byte>? Value,
    ReadOnlyMemory<byte> Headers,
    int HeaderCount
)
{
    public IEnumerable<(string Name, byte[]? Value)> ReadHeaders()
    {
        var cursor = new RecordCursor(Headers);
        for (var i = 0; i < HeaderCount; i++)
        {
            var name = cursor.Bytes() ?? throw new InvalidDataException("a header has no name");
            yield return (System.Text.Encoding.UTF8.GetString(name.Span), cursor.Bytes()?.ToArray());
        }
    }
}

/// <summary>Walks the varint coding of records.</summary>
internal sealed class RecordCursor(ReadOnlyMemory<byte> data)
{
    private int _position;

    public bool AtEnd => _position >= data.Length;

    public int Position => _position;

    public ReadOnlyMemory<byte> Slice(int start) => data[start.._position];

    public byte Byte() => Take(1).Span[0];

    public long Varint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            var b = Byte();
            value |= (ulong)(b & 0x7f) << shift;
            if ((b & 0x80) == 0)
                return (long)(value >> 1) ^ -(long)(value & 1);
        }

        throw new InvalidDataException("a varint is longer than ten bytes");
    }

    public ReadOnlyMemory<byte>? Bytes()
    {
        var length = Varint();
        return length < 0 ? default(ReadOnlyMemory<byte>?) : Take(checked((int)length));
    }

    public ReadOnlyMemory<byte> Take(int count)
    {
        if (count < 0 || count > data.Length - _position)
            throw new InvalidDataException("a record runs past the end of its batch");
        var slice = data.Slice(_position, count);
        _position += count;
        return slice;
    }
}
