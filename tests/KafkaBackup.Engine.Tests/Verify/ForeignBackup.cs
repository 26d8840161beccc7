using System.Text;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Testing.Records;
using KafkaBackup.Testing.Storage;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>A backup as the other tool writes it: one topic, one segment.</summary>
internal static class ForeignBackup
{
    public static string Put(IOpenedStore store, string id)
    {
        var (key, segment, manifest) = Of(id, Enumerable.Range(0, 3).Select(i => TestRecord.Text(100 + i, $"k{i}", $"v{i}")).ToArray());
        store[key] = segment;
        store[$"{id}/manifest.json"] = manifest;
        return key;
    }

    public static async Task PutAsync(IStore store, string id, params TestRecord[] records)
    {
        var (key, segment, manifest) = Of(id, records);
        await store.PutAsync(key, segment, default);
        await store.PutAsync($"{id}/manifest.json", manifest, default);
    }

    private static (string Key, byte[] Segment, byte[] Manifest) Of(string id, TestRecord[] records)
    {
        var key = $"{id}/topics/orders/partition=0/segment-0001.zst";
        var manifest = $$"""
            {"backup_id":"{{id}}","created_at":1705312800000,"topics":[{"name":"orders","original_partition_count":1,"partitions":[{"partition_id":0,"segments":[
            {"key":"{{key}}","start_offset":{{records[0].Offset}},"end_offset":{{records[^1].Offset}},"start_timestamp":{{records[
                0
            ].Timestamp}},
            "end_timestamp":{{records[^1].Timestamp}},"record_count":{{records.Length}},"uncompressed_size":100,"compressed_size":100}]}]}]}
            """;
        return (key, KbakImage.Write(records), Encoding.UTF8.GetBytes(manifest));
    }
}
