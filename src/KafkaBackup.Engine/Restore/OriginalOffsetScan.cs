using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Restore;

/// <summary>Makes an offset mapping from what restored records say of themselves: the header x-original-offset (SEMANTICS F1, cluster-scan).</summary>
internal sealed class OriginalOffsetScan(IKafkaCluster cluster, TimeProvider clock, IEngineEvents events)
{
    private static readonly byte[] Name = System.Text.Encoding.ASCII.GetBytes(OriginalHeaders.OffsetName);

    /// <param name="end">The partition's log end; what comes later is not read.</param>
    public async Task<OffsetMap> ReadAsync(TopicPartition partition, long end, CancellationToken cancel)
    {
        var starts = await cluster.ListOffsetsAsync([partition], OffsetBound.Earliest, cancel).ConfigureAwait(false);
        var start = starts[partition].Error is { } error ? throw error : starts[partition].Offset ?? 0;
        return await Task.Run(() => Read(partition, start, end, cancel), cancel).ConfigureAwait(false);
    }

    private OffsetMap Read(TopicPartition partition, long start, long end, CancellationToken cancel)
    {
        var map = new OffsetMap();
        var newest = -1L;
        using var reader = new RangeReader(cluster, new ReaderOptions(IsolationLevel.ReadCommitted), clock, events);
        reader.Read(
            partition, start, end, DeletedRecords.Pass,
            (in RecordView record) =>
            {
                // The last of the headers of that name is the restore's own; source order is the target's order, so what goes back is not ours.
                for (var i = record.Headers.Length - 1; i >= 0; i--)
                {
                    ref readonly var header = ref record.Headers[i];
                    if (header.Name.SequenceEqual(Name))
                    {
                        if (OriginalHeaders.Read(header.Value) is { } original && original > newest)
                        {
                            map.Add(original, record.Offset);
                            newest = original;
                        }

                        break;
                    }
                }

                return true;
            },
            cancel);
        return map;
    }
}
