using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>Where the parts of a decoded record lie.</summary>
internal unsafe struct RecordParts
{
    public long Offset;
    public long Timestamp;
    public TimestampKind TimestampKind;
    public int LeaderEpoch;
    public byte* Key;

    /// <summary>-1 for null.</summary>
    public int KeyLength;
    public byte* Value;

    /// <summary>-1 for null.</summary>
    public int ValueLength;
    public HeaderSlice[] Headers;
    public int HeaderCount;

    /// <summary>Bytes of key, value and headers.</summary>
    public long Payload;

    public readonly RecordView View =>
        new()
        {
            Offset = Offset,
            Timestamp = Timestamp,
            TimestampKind = TimestampKind,
            Key = new ReadOnlySpan<byte>(Key, Math.Max(0, KeyLength)),
            KeyIsNull = KeyLength < 0,
            Value = new ReadOnlySpan<byte>(Value, Math.Max(0, ValueLength)),
            ValueIsNull = ValueLength < 0,
            Headers = new ReadOnlySpan<HeaderSlice>(Headers, 0, HeaderCount),
            LeaderEpoch = LeaderEpoch,
        };
}
