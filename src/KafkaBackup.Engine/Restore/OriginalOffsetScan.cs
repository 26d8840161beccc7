using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Restore;

/// <summary>Makes an offset mapping from what restored records say of themselves: the header x-original-offset (SEMANTICS F1, cluster-scan).</summary>
internal sealed class OriginalOffsetScan(IKafkaCluster cluster, TimeProvider clock)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <param name="end">The partition's log end; what comes later is not read.</param>
    public async Task<OffsetMap> ReadAsync(TopicPartition partition, long end, CancellationToken cancel)
    {
        var starts = await cluster.ListOffsetsAsync([partition], OffsetBound.Earliest, cancel).ConfigureAwait(false);
        var start = starts[partition].Error is { } error ? throw error : starts[partition].Offset ?? 0;
        return await Task.Run(() => Read(partition, start, end, cancel), cancel).ConfigureAwait(false);
    }

    private OffsetMap Read(TopicPartition partition, long start, long end, CancellationToken cancel)
    {
        var sink = new Collector(end) { Done = start >= end };
        if (sink.Done)
        {
            return sink.Map;
        }

        using var reader = cluster.OpenReader(new ReaderOptions(IsolationLevel.ReadCommitted));
        reader.Assign(partition, start, 0);
        var movedAt = clock.GetTimestamp();
        while (!sink.Done && sink.Failure is null)
        {
            cancel.ThrowIfCancellationRequested();
            var position = reader.Poll(sink) > 0 ? null : reader.Position(0);
            if (position is null)
            {
                movedAt = clock.GetTimestamp();
            }

            sink.Done |= position >= end;
            if (clock.GetElapsedTime(movedAt) > Patience)
            {
                throw ErrorIds.PartitionStalled.With($"Partition {partition} gave nothing for {Patience.TotalSeconds:0} s while it was read for original offsets.", partition.ToString());
            }
        }

        return sink.Failure is { } fault
            ? throw ErrorIds.PartitionRead.With($"Partition {partition} could not be read: {fault.Message} ({fault.Code}).", partition.ToString())
            : sink.Map;
    }

    private sealed class Collector(long end) : IRecordSink
    {
        private static readonly byte[] Name = System.Text.Encoding.ASCII.GetBytes(OriginalHeaders.OffsetName);

        private long _newest = -1;

        public OffsetMap Map { get; } = new();

        public bool Done { get; set; }

        public ReadFault? Failure { get; private set; }

        public void OnRecord(int slot, in RecordView record)
        {
            if (record.Offset >= end)
            {
                Done = true;
                return;
            }

            // The last of the headers of that name is the restore's own; source order is the target's order, so what goes back is not ours.
            for (var i = record.Headers.Length - 1; i >= 0; i--)
            {
                ref readonly var header = ref record.Headers[i];
                if (header.Name.SequenceEqual(Name))
                {
                    if (OriginalHeaders.Read(header.Value) is { } original && original > _newest)
                    {
                        Map.Add(original, record.Offset);
                        _newest = original;
                    }

                    break;
                }
            }

            Done |= record.Offset + 1 >= end;
        }

        public void OnEnd(int slot, long offset) => Done |= offset >= end;

        public void OnError(int slot, ReadFault fault) => Failure ??= fault;

        public void OnClusterFault(KafkaBackupException error)
        {
            // The client library goes on trying; our patience decides.
        }
    }
}
