namespace KafkaBackup.Testing.Records;

/// <summary>
/// The records of the golden segments. Never changed: the files were written once from these and must read as these for ever. A new format
/// version gets new files beside the old ones.
/// </summary>
public static class GoldenRecords
{
    private const long Noon = 1_705_312_800_000;

    public static IReadOnlyList<TestRecord> List { get; } =
    [
        TestRecord.Text(0, "first", "plain text"),
        TestRecord.Text(1, null, null, -1) with
        {
            TimestampKind = TimestampKind.NotAvailable,
        },
        TestRecord.Text(2, "", "", 0),
        TestRecord.Text(3, "tombstone", null, Noon + 1) with
        {
            TimestampKind = TimestampKind.LogAppendTime,
        },
        TestRecord.Text(4, null, "no key", Noon - 86_400_000),
        TestRecord.Text(100, "headers", "repeated, null, empty, not text", Noon + 2) with
        {
            Headers =
            [
                new TestHeader("trace", "1"),
                new TestHeader("trace", "2"),
                new TestHeader("trace", null),
                new TestHeader("", ""),
                new TestHeader([0xFF, 0x00, 0xFE], [0x00, 0xC3, 0x28, 0xFF]),
            ],
        },
        TestRecord.Text(101, "far future", "x", long.MaxValue),
        TestRecord.Text(102, "far past", "y", long.MinValue),
        TestRecord.Text(1_000_000, "ключ", "значение", Noon + 3),
        TestRecord.Text(1_000_001, "repetitive", string.Concat(Enumerable.Repeat("the same again, ", 200)), Noon + 4),
        TestRecord.Text(long.MaxValue, "last offset", "z", Noon + 5),
    ];
}
