using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Makes offset mappings from what restored records say of themselves: the header x-original-offset (rules F1, cluster-scan).
/// </summary>
internal sealed class OriginalOffsetScan(IKafkaCluster cluster, TimeProvider clock, IEngineEvents events)
{
    /// <summary>
    /// The runs of records whose original offsets go up, in the order of the log. One source partition restored once is one run; where the
    /// original offsets go back, another source partition, another restore or a stranger begins. Records without the header are passed
    /// over.
    /// </summary>
    /// <param name="from">Target offsets below it are not read.</param>
    /// <param name="end">Exclusive.</param>
    public async Task<IReadOnlyList<OffsetMap>> ReadAsync(TopicPartition partition, long from, long end, CancellationToken cancel)
    {
        var starts = await cluster.ListOffsetsAsync([partition], OffsetBound.Earliest, cancel).ConfigureAwait(false);
        var start = starts[partition].Error is { } error ? throw error : starts[partition].Offset ?? 0;
        return await Task.Run(() => Read(partition, Math.Max(start, from), end, cancel), cancel).ConfigureAwait(false);
    }

    private List<OffsetMap> Read(TopicPartition partition, long start, long end, CancellationToken cancel)
    {
        var runs = new List<OffsetMap>();
        var newest = long.MaxValue;
        using var reader = new RangeReader(cluster, new ReaderOptions(IsolationLevel.ReadCommitted), clock, events);
        reader.Read(partition, start, end, DeletedRecords.Pass, Take, cancel);
        return runs;

        bool Take(in RecordView record)
        {
            if (OriginalOffset.Of(record) is not (>= 0 and var original))
            {
                return true;
            }

            if (original <= newest)
            {
                runs.Add(new OffsetMap());
            }

            runs[^1].Add(original, record.Offset);
            newest = original;
            return true;
        }
    }
}
