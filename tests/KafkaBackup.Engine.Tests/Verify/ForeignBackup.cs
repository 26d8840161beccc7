using System.Text;
using KafkaBackup.Testing.Records;
using KafkaBackup.Testing.Storage;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>A backup as the other tool writes it: one topic, one segment, three records.</summary>
internal static class ForeignBackup
{
    public static string Put(IOpenedStore store, string id)
    {
        var records = Enumerable.Range(0, 3).Select(i => TestRecord.Text(100 + i, $"k{i}", $"v{i}")).ToArray();
        var key = $"{id}/topics/orders/partition=0/segment-0001.zst";
        store[key] = KbakImage.Write(records);
        store[$"{id}/manifest.json"] = Encoding.UTF8.GetBytes(
            $$"""
            {"backup_id":"{{id}}","created_at":1705312800000,"topics":[{"name":"orders","original_partition_count":1,"partitions":[{"partition_id":0,"segments":[
            {"key":"{{key}}","start_offset":100,"end_offset":102,"start_timestamp":1705312800000,"end_timestamp":1705312800000,"record_count":3,"uncompressed_size":100,"compressed_size":100}]}]}]}
            """);
        return key;
    }
}
