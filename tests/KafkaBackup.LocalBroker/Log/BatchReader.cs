using KafkaBackup.LocalBroker.Log.Compression;

namespace KafkaBackup.LocalBroker.Log;

/// <summary>Opens a stored batch: decompresses it and yields its records.</summary>
internal static class BatchReader
{
    public static IEnumerable<RecordView> Records(ReadOnlyMemory<byte> batch)
    {
        var header = BatchHeader.Read(batch.Span);
        var payload = batch[BatchHeader.Length..];
        var cursor = new RecordCursor(header.Codec == 0 ? payload : Codecs.Decompress(header.Codec, payload.Span));
        for (var i = 0; i < header.Count; i++)
            yield return Record(header, new RecordCursor(cursor.Take(checked((int)cursor.Varint()))));
        if (!cursor.AtEnd)
            throw new InvalidDataException("a batch holds more bytes than its records");
    }

    private static RecordView Record(in BatchHeader header, RecordCursor record)
    {
        record.Byte(); // attributes: unused in this format
        var timestampDelta = record.Varint();
        var offsetDelta = record.Varint();
        var key = record.Bytes();
        var value = record.Bytes();
        var headerCount = checked((int)record.Varint());
        var start = record.Position;
        for (var i = 0; i < headerCount * 2; i++)
            record.Bytes();
        if (!record.AtEnd)
            throw new InvalidDataException("a record holds more bytes than its fields");
        return new RecordView(
            header.BaseOffset + offsetDelta,
            header.IsLogAppendTime ? header.MaxTimestamp : header.BaseTimestamp + timestampDelta,
            key,
            value,
            record.Slice(start),
            headerCount
        );
    }
}
