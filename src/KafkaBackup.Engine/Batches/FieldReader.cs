using System.Runtime.CompilerServices;

namespace KafkaBackup.Engine.Batches;

/// <summary>Reads the fields of one whole record.</summary>
internal ref struct FieldReader(ReadOnlySpan<byte> record, long recordPlace)
{
    private readonly ReadOnlySpan<byte> _record = record;

    public int Place { get; private set; }

    public void Skip(int count) => Place = count <= _record.Length - Place ? Place + count : throw Ended();

    /// <summary>Place and length of a field; -1 for null.</summary>
    public (int Place, int Length) Field(bool mayBeNull)
    {
        var length = Int32();
        RecordRules.CheckFieldLength(length, mayBeNull, _record.Length - Place, recordPlace + Place);
        var field = (Place, length);
        Place += Math.Max(0, length);
        return field;
    }

    public int Int32()
    {
        var value = Int64();
        return value is >= int.MinValue and <= int.MaxValue
            ? (int)value
            : throw new BatchDamagedException($"a length or delta of {value:N0} in its decompressed records", recordPlace + Place);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Int64()
    {
        if (Place < _record.Length && _record[Place] < 0x80)
        {
            uint single = _record[Place++];
            return (int)(single >> 1) ^ -(int)(single & 1);
        }

        return LongInt64();
    }

    private long LongInt64()
    {
        var place = Place;
        if (!KafkaVarint.TryRead(_record, ref place, out var value))
        {
            throw Ended();
        }

        Place = place;
        return value;
    }

    private readonly BatchDamagedException Ended() => new("a record ends in the middle of a field", recordPlace + Place);
}
