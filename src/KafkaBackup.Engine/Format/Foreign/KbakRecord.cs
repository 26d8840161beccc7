using KafkaBackup.Engine.Records;
using static System.Buffers.Binary.BinaryPrimitives;

namespace KafkaBackup.Engine.Format.Foreign;

/// <summary>Takes one KBAK record's bytes apart. Pointers in it are good as long as those bytes are.</summary>
internal unsafe ref struct KbakRecord
{
    private readonly byte* _start;
    private readonly int _length;
    private HeaderSlice[] _headers;
    private int _headerCount;
    private int _next;
    private byte* _key;
    private int _keyLength;
    private byte* _value;
    private int _valueLength;

    /// <param name="headers">Reused from record to record; grown here.</param>
    public KbakRecord(byte* start, int length, HeaderSlice[] headers)
    {
        _start = start;
        _length = length;
        _headers = headers;
    }

    public readonly HeaderSlice[] Headers => _headers;

    /// <summary>The layout keeps no timestamp type: CreateTime, as the tool itself restores them.</summary>
    public readonly RecordView View =>
        new()
        {
            Timestamp = ReadInt64LittleEndian(new ReadOnlySpan<byte>(_start, _length)),
            Offset = ReadInt64LittleEndian(new ReadOnlySpan<byte>(_start, _length)[8..]),
            TimestampKind = TimestampKind.CreateTime,
            Key = new ReadOnlySpan<byte>(_key, Math.Max(0, _keyLength)),
            KeyIsNull = _keyLength < 0,
            Value = new ReadOnlySpan<byte>(_value, Math.Max(0, _valueLength)),
            ValueIsNull = _valueLength < 0,
            Headers = new ReadOnlySpan<HeaderSlice>(_headers, 0, _headerCount),
            LeaderEpoch = -1,
        };

    /// <summary>False when the bytes are not exactly one record.</summary>
    public bool Decode()
    {
        _next = 2 * sizeof(long);
        if (
            _length < _next
            || !TakeNullable(out _key, out _keyLength)
            || !TakeNullable(out _value, out _valueLength)
            || !TakeShort(out var count)
        )
        {
            return false;
        }

        // Each header takes at least six bytes: a count that does not fit is refused before anything is reserved for it.
        if (count > (_length - _next) / 6)
        {
            return false;
        }

        if (_headers.Length < count)
        {
            _headers = new HeaderSlice[Math.Max(count, 2 * _headers.Length)];
        }

        for (_headerCount = 0; _headerCount < count; _headerCount++)
        {
            if (!TakeShort(out var nameLength) || !Take(nameLength, out var name) || !TakeNullable(out var value, out var valueLength))
            {
                return false;
            }

            _headers[_headerCount] = new HeaderSlice(name, nameLength, value, valueLength);
        }

        return _next == _length;
    }

    private bool TakeNullable(out byte* bytes, out int length)
    {
        length = -1;
        if (!Take(sizeof(int), out bytes))
        {
            return false;
        }

        length = ReadInt32LittleEndian(new ReadOnlySpan<byte>(bytes, sizeof(int)));
        return length == -1 || (length >= 0 && Take(length, out bytes));
    }

    private bool TakeShort(out int value)
    {
        value = 0;
        if (!Take(sizeof(ushort), out var bytes))
        {
            return false;
        }

        value = ReadUInt16LittleEndian(new ReadOnlySpan<byte>(bytes, sizeof(ushort)));
        return true;
    }

    private bool Take(int count, out byte* bytes)
    {
        bytes = _start + _next;
        if (count > _length - _next)
        {
            return false;
        }

        _next += count;
        return true;
    }
}
