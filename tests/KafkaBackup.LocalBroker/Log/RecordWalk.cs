namespace KafkaBackup.LocalBroker.Log;

/// <summary>
/// One look at every record of a produced batch, without making an object of any: what a broker checks before it appends.
/// </summary>
/// <param name="Smallest">The smallest timestamp that is one; null when there is none.</param>
internal readonly record struct RecordWalk(bool LacksKey, long? Smallest, long? Largest)
{
    private const long NoTimestamp = -1;

    public static RecordWalk Over(ReadOnlySpan<byte> records, in BatchHeader header)
    {
        var at = 0;
        var lacksKey = false;
        long? smallest = null;
        long? largest = null;
        for (var i = 0; i < header.Count; i++)
        {
            var length = Varint(records, ref at);
            if (length <= 0 || length > records.Length - at)
                throw new InvalidDataException($"record {i} claims {length} bytes, {records.Length - at} are left");
            var record = records.Slice(at, (int)length);
            at += record.Length;
            var inside = 1; // attributes, which mean nothing in this format
            var timestamp = header.BaseTimestamp + Varint(record, ref inside);
            Varint(record, ref inside); // the offset delta: a broker gives its own
            lacksKey |= !Skip(record, ref inside);
            Skip(record, ref inside);
            var headers = Varint(record, ref inside);
            if (headers < 0 || headers > record.Length)
                throw new InvalidDataException($"record {i} claims {headers} headers");
            for (long h = 0; h < headers; h++)
            {
                if (!Skip(record, ref inside))
                    throw new InvalidDataException($"record {i} has a header without a name");
                Skip(record, ref inside);
            }

            if (inside != record.Length)
                throw new InvalidDataException($"record {i} holds more bytes than its fields");
            if (timestamp == NoTimestamp)
                continue;
            smallest = Math.Min(smallest ?? timestamp, timestamp);
            largest = Math.Max(largest ?? timestamp, timestamp);
        }

        return at == records.Length
            ? new RecordWalk(lacksKey, smallest, largest)
            : throw new InvalidDataException("a batch holds more bytes than its records");
    }

    /// <returns>False for null.</returns>
    private static bool Skip(ReadOnlySpan<byte> record, ref int at)
    {
        var length = Varint(record, ref at);
        if (length < 0)
            return false;
        if (length > record.Length - at)
            throw new InvalidDataException("a record runs past its end");
        at += (int)length;
        return true;
    }

    private static long Varint(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (at >= bytes.Length)
                throw new InvalidDataException("a record runs past its end");
            var next = bytes[at++];
            value |= (ulong)(next & 0x7f) << shift;
            if ((next & 0x80) == 0)
                return (long)(value >> 1) ^ -(long)(value & 1);
        }

        throw new InvalidDataException("a varint is longer than ten bytes");
    }
}
