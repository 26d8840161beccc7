namespace KafkaBackup.Engine.Records;

/// <summary>
/// One Kafka record where it lies: in the bytes that a broker sent or in a decoded block. Valid only until the callee returns (reader) or
/// the cursor moves (block); copy what must live longer. Null and empty are different for key, value and header values.
/// </summary>
public readonly ref struct RecordView
{
    public required long Offset { get; init; }

    /// <summary>Epoch milliseconds; -1 for none. Any value is legal.</summary>
    public required long Timestamp { get; init; }

    public required TimestampKind TimestampKind { get; init; }

    /// <summary>Empty when <see cref="KeyIsNull"/>.</summary>
    public ReadOnlySpan<byte> Key { get; init; }

    public bool KeyIsNull { get; init; }

    /// <summary>Empty when <see cref="ValueIsNull"/>.</summary>
    public ReadOnlySpan<byte> Value { get; init; }

    public bool ValueIsNull { get; init; }

    /// <summary>In their order, duplicates included.</summary>
    public ReadOnlySpan<HeaderSlice> Headers { get; init; }

    /// <summary>The leader's epoch of the batch it came in; -1 when not known. Not part of the stored record.</summary>
    public int LeaderEpoch { get; init; }

    /// <summary>Bytes of key, value and headers: what "bytes" means in results, limits and rates.</summary>
    public int PayloadBytes
    {
        get
        {
            var size = Key.Length + Value.Length;
            foreach (ref readonly var header in Headers)
            {
                size += header.NameLength + Math.Max(0, header.ValueLength);
            }

            return size;
        }
    }
}
