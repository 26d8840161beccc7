using System.Text;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Browse;

/// <summary>Copies a record for people: text where it is UTF-8, else bytes; null stays null and empty stays empty.</summary>
internal sealed class RecordText(bool asBytes)
{
    public RecordInfo Copy(TopicPartition partition, in RecordView record)
    {
        var headers = record.Headers.Length == 0 ? [] : new RecordHeader[record.Headers.Length];
        for (var i = 0; i < headers.Length; i++)
        {
            ref readonly var header = ref record.Headers[i];
            headers[i] = new RecordHeader(Encoding.UTF8.GetString(header.Name), Show(header.Value, header.ValueIsNull));
        }

        return new RecordInfo
        {
            Topic = partition.Topic,
            Partition = partition.Partition,
            Offset = record.Offset,
            TimestampMs = record.Timestamp,
            TimestampType = record.TimestampKind,
            Key = Show(record.Key, record.KeyIsNull),
            Value = Show(record.Value, record.ValueIsNull),
            Headers = ItemList.From(headers),
        };
    }

    private object? Show(ReadOnlySpan<byte> bytes, bool isNull) =>
        isNull ? null
        : !asBytes && System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes)
        : bytes.ToArray();
}
