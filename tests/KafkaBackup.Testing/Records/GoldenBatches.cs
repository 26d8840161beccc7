using System.Buffers.Binary;
using System.Text;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Testing.Records;

/// <summary>
/// The batches of the golden segments of version 2, and the records of them that count. Never changed: the files were written once from
/// these and must read as these for ever.
/// </summary>
public static class GoldenBatches
{
    /// <summary>The first offset that counts: the first batch is cut below it.</summary>
    public const long From = 2;

    /// <summary>The first offset that no longer counts: the last batch is cut there.</summary>
    public const long End = 1_000_003;

    private const long Noon = 1_705_312_800_000;

    /// <summary>A transaction's batch, cut at its beginning.</summary>
    private static readonly TestRecord[] Transaction =
    [
        .. Enumerable.Range(0, 5).Select(i => TestRecord.Text(i, $"key {i}", $"value {i}", Noon + i)),
    ];

    /// <summary>Stamped by the broker: all records have one time, which is 0 here.</summary>
    private static readonly TestRecord[] Appended =
    [
        .. Enumerable
            .Range(5, 3)
            .Select(i => TestRecord.Text(i, null, $"appended {i}", 0) with { TimestampKind = TimestampKind.LogAppendTime }),
    ];

    /// <summary>Compaction has removed what was between these.</summary>
    private static readonly TestRecord[] Compacted =
    [
        TestRecord.Text(103, "a", null, Noon),
        TestRecord.Text(107, "b", "kept", Noon - 86_400_000),
        TestRecord.Text(120, "c", "", -1),
    ];

    private static readonly TestRecord[] Odd =
    [
        TestRecord.Text(200, "", "", 0),
        TestRecord.Text(201, null, null, -1),
        TestRecord.Text(202, "far future", "x", long.MaxValue),
        TestRecord.Text(203, "far past", "y", long.MinValue),
        TestRecord.Text(204, "ключ", "значение", Noon) with
        {
            Headers =
            [
                new TestHeader("trace", "1"),
                new TestHeader("trace", null),
                new TestHeader("trace", ""),
                new TestHeader("", ""),
                new TestHeader(Encoding.Latin1.GetBytes("nul \0 inside"), "n"u8.ToArray()),
                new TestHeader([0x00], [0x00, 0xC3, 0x28, 0xFF]),
                new TestHeader([0xFF, 0x00, 0xFE], null),
            ],
        },
    ];

    /// <summary>More than a shared block holds.</summary>
    private static readonly TestRecord[] Giant =
    [
        TestRecord.Text(300, "giant", string.Concat(Enumerable.Repeat("the same again, ", 100_000)), Noon),
        TestRecord.Text(301, "after it", "small", Noon),
    ];

    private static readonly TestRecord[] Cut =
    [
        .. Enumerable.Range(1_000_000, 5).Select(i => TestRecord.Text(i, "last", $"value {i}", Noon + i)),
    ];

    public static IReadOnlyList<TestRecord> Counting { get; } =
    [.. Transaction[2..], .. Appended, .. Compacted, .. Odd, .. Giant, .. Cut[..3]];

    public static IReadOnlyList<byte[]> Batches(BatchCodec codec)
    {
        var transaction = One(Transaction, codec);
        BatchStamp.ForProduce(transaction, 4711, 2, 1000, transactional: true);
        BatchStamp.SetBaseOffset(transaction, 0);
        BatchStamp.SetLeaderEpoch(transaction, 3);
        var compacted = One(Compacted, codec);
        // It had three records more behind its last one.
        BinaryPrimitives.WriteInt32BigEndian(compacted.AsSpan(RecordBatch.LastOffsetDeltaPlace), 20);
        BatchStamp.Seal(compacted);
        BatchStamp.SetLeaderEpoch(compacted, 7);
        return [transaction, One(Appended, codec), compacted, One(Odd, codec), One(Giant, codec), One(Cut, codec)];
    }

    private static byte[] One(TestRecord[] records, BatchCodec codec)
    {
        using var batcher = new RecordBatcher(codec, int.MaxValue);
        foreach (var record in records)
        {
            record.View((in RecordView view) => batcher.TryAppend(view));
        }

        return batcher.Build().Bytes.ToArray();
    }
}
