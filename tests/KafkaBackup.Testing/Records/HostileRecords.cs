namespace KafkaBackup.Testing.Records;

/// <summary>
/// Record lists that try to break things: null and empty everywhere, repeated headers, header values that are not text, timestamps from one
/// end of a long to the other, jumps in offsets up to the last one there is. The same seed gives the same list.
/// </summary>
public sealed class HostileRecords(int seed)
{
    private static readonly long[] Timestamps =
    [
        -1,
        0,
        1,
        long.MinValue,
        long.MaxValue,
        1_705_312_800_000,
        253_402_300_800_000,
        -62_135_596_800_001,
        int.MaxValue,
        uint.MaxValue,
    ];

    private static readonly int[] Sizes = [0, 0, 1, 2, 15, 100, 127, 128, 129, 1000, 16_383, 16_384, 16_385];

    private readonly Random _random = new(seed);

    public IReadOnlyList<TestRecord> List(int count)
    {
        var offset = _random.Next(3) == 0 ? 0 : NextOffsetStep(0);
        var records = new List<TestRecord>(count);
        while (records.Count < count)
        {
            records.Add(Record(offset));
            offset += 1 + (_random.Next(4) == 0 ? NextOffsetStep(offset) : 0);
        }

        if (_random.Next(4) == 0)
        {
            records[^1] = records[^1] with { Offset = long.MaxValue };
        }

        return records;
    }

    public TestRecord Record(long offset) =>
        new()
        {
            Offset = offset,
            Timestamp =
                _random.Next(3) == 0 ? _random.NextInt64(long.MinValue, long.MaxValue)
                : _random.Next(2) == 0 ? Timestamps[_random.Next(Timestamps.Length)]
                : 1_705_312_800_000 + _random.Next(100_000),
            TimestampKind = (TimestampKind)_random.Next(3),
            Key = MaybeBytes(),
            Value = MaybeBytes(),
            Headers = Headers(),
        };

    private TestHeader[] Headers()
    {
        var headers = new TestHeader[_random.Next(3) == 0 ? _random.Next(1, 40) : 0];
        for (var index = 0; index < headers.Length; index++)
        {
            // Half of them repeat a name.
            headers[index] =
                index > 0 && _random.Next(2) == 0
                    ? new TestHeader(headers[_random.Next(index)].Name, MaybeBytes(small: true))
                    : new TestHeader(SomeBytes(_random.Next(20)), MaybeBytes(small: true));
        }

        return headers;
    }

    private byte[]? MaybeBytes(bool small = false) =>
        _random.Next(5) == 0 ? null : SomeBytes(Sizes[_random.Next(small ? 7 : Sizes.Length)]);

    private byte[] SomeBytes(int length)
    {
        var bytes = new byte[length];
        if (_random.Next(2) == 0)
        {
            _random.NextBytes(bytes);
        }
        else
        {
            Array.Fill(bytes, (byte)_random.Next(256));
        }

        return bytes;
    }

    /// <summary>Now and then a good part of all offsets that are left, so that a list never runs out of them.</summary>
    private long NextOffsetStep(long offset) =>
        _random.Next(10) == 0 ? _random.NextInt64((long.MaxValue - offset) / 16) : _random.Next(1_000_000);
}
