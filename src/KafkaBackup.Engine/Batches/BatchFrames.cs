using System.Buffers.Binary;

namespace KafkaBackup.Engine.Batches;

/// <summary>
/// Cuts the records field of a fetch answer into the entries that it holds one behind the other: batches, or messages of the formats before
/// Kafka 0.11. A broker may cut off the last entry where the asked size ends; that piece is no entry and no error.
/// </summary>
public struct BatchFrames(ReadOnlyMemory<byte> records)
{
    /// <summary>What the shortest entry needs behind its length: a message of format 0 without key and value.</summary>
    private const int SmallestLength = 14;

    private ReadOnlyMemory<byte> _rest = records;

    /// <summary>Bytes of an entry that the answer cut off; known once <see cref="TryNext"/> returned false.</summary>
    public readonly int CutOff => _rest.Length;

    /// <summary>Whether the next entry is of format 0 or 1: <see cref="LegacyMessages"/> turns a run of those into batches.</summary>
    public readonly bool IsLegacy => _rest.Length > RecordBatch.MagicPlace && _rest.Span[RecordBatch.MagicPlace] < RecordBatch.CurrentMagic;

    /// <summary>The next whole entry.</summary>
    /// <exception cref="BatchDamagedException">A length that no entry can have.</exception>
    public bool TryNext(out ReadOnlyMemory<byte> entry)
    {
        entry = default;
        var span = _rest.Span;
        if (span.Length < RecordBatch.PrefixLength)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadInt32BigEndian(span[8..]);
        if (length < SmallestLength)
        {
            throw new BatchDamagedException($"its length is {length:N0}", 8);
        }

        if (length > span.Length - RecordBatch.PrefixLength)
        {
            return false;
        }

        entry = _rest[..(RecordBatch.PrefixLength + length)];
        _rest = _rest[entry.Length..];
        return true;
    }
}
