namespace KafkaBackup.Engine.Batches;

/// <summary>
/// Walks through every record of a batch once (rule L2): it decompresses, its lengths, count and offsets hold, and the walk learns what a
/// block of the archive must know. Holds no record, so its memory does not depend on them. One walker serves one thread, for any number of
/// batches.
/// </summary>
public sealed class BatchWalker : IDisposable
{
    private readonly RecordWindow _window = new();

    /// <summary>
    /// Checks the whole batch except its checksum, which the reader checked on arrival, and gathers the facts of the records from
    /// <paramref name="from"/> (inclusive) to <paramref name="end"/> (exclusive).
    /// </summary>
    /// <exception cref="BatchDamagedException">What does not hold, and where.</exception>
    public BatchFacts Walk(in RecordBatch batch, long from = 0, long end = long.MaxValue)
    {
        RecordRules.CheckHeader(batch);
        _window.Open(batch);
        var scan = new RecordScan(_window);
        var facts = new BatchFacts(0, -1, -1, long.MaxValue, long.MinValue, -1, 0, 0, 0, 0);
        var (baseOffset, baseTimestamp, lastDelta, previous) = (batch.BaseOffset, batch.BaseTimestamp, batch.LastOffsetDelta, -1);
        long? appended = batch.IsLogAppendTime ? batch.MaxTimestamp : null;
        for (var record = 0; record < batch.RecordCount; record++)
        {
            var length = scan.Int32();
            var recordEnd = scan.Position + length;
            scan.Byte();
            var timestamp = appended ?? unchecked(baseTimestamp + scan.Int64());
            if (appended is not null)
            {
                scan.Int64();
            }

            var delta = scan.Int32();
            RecordRules.CheckDelta(delta, previous, lastDelta, scan.Position);
            previous = delta;
            var payload = Field(ref scan, recordEnd) + Field(ref scan, recordEnd);
            var headers = scan.Int32();
            RecordRules.CheckHeaderCount(headers, recordEnd - scan.Position, scan.Position);
            for (var header = 0; header < headers; header++)
            {
                payload += Field(ref scan, recordEnd, mayBeNull: false) + Field(ref scan, recordEnd);
            }

            if (scan.Position != recordEnd)
            {
                throw new BatchDamagedException("a record is longer or shorter than it claims", scan.Position);
            }

            var offset = baseOffset + delta;
            if (offset >= from && offset < end)
            {
                facts = new BatchFacts(
                    facts.Records + 1,
                    facts.Records == 0 ? offset : facts.FirstOffset,
                    offset,
                    Math.Min(facts.SmallestTimestamp, timestamp),
                    Math.Max(facts.LargestTimestamp, timestamp),
                    timestamp,
                    facts.PayloadBytes + payload,
                    Math.Max(facts.LargestPayload, payload),
                    Math.Max(facts.LongestRecord, length),
                    facts.ZeroTimestamps + (timestamp == 0 ? 1 : 0)
                );
            }
        }

        return scan.AtEnd ? facts : throw new BatchDamagedException("bytes follow its last record", scan.Position);
    }

    public void Dispose() => _window.Dispose();

    /// <summary>Passes a field of a record; its length, 0 for null.</summary>
    private static long Field(ref RecordScan scan, long recordEnd, bool mayBeNull = true)
    {
        var length = scan.Int32();
        RecordRules.CheckFieldLength(length, mayBeNull, recordEnd - scan.Position, scan.Position);
        if (length <= 0)
        {
            return 0;
        }

        scan.Skip(length);
        return length;
    }
}
