using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Where the records of finished transactions lie. Markers take offsets too, so the places cannot be worked out: the target is read, committed
/// records only, side by side with the plan.
/// </summary>
internal sealed class TransactionalMaps(IKafkaCluster cluster, TimeProvider clock)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    public async Task<IReadOnlyList<OffsetMap>> ReadAsync(TargetWork target, RecordStream stream, long start, long count, CancellationToken cancel)
    {
        var places = await Task.Run(() => Places(target.Target, start, count, cancel), cancel).ConfigureAwait(false);
        var maps = target.Sources.Select(_ => new OffsetMap()).ToArray();
        var walk = new OffsetMap.Walk(places);
        await foreach (var block in stream.ReadAsync(0, cancel).ConfigureAwait(false))
        {
            using (block)
            {
                if (!Add(block, maps[target.Sources.ToList().IndexOf(block.Source)], walk, count))
                {
                    break;
                }
            }
        }

        return maps;
    }

    private static bool Add(StreamBlock block, OffsetMap map, OffsetMap.Walk walk, long count)
    {
        var index = block.FirstIndex;
        foreach (var record in block.Block)
        {
            if (!block.Takes(record))
            {
                continue;
            }

            if (index >= count)
            {
                return false;
            }

            map.Add(record.Offset, walk.Next());
            index++;
        }

        return true;
    }

    /// <summary>Record number to target offset, as ranges.</summary>
    private OffsetMap Places(TopicPartition partition, long start, long count, CancellationToken cancel)
    {
        using var reader = cluster.OpenReader(new ReaderOptions(IsolationLevel.ReadCommitted));
        var sink = new Collector(count);
        reader.Assign(partition, start, 0);
        var movedAt = clock.GetTimestamp();
        while (sink.Found < count)
        {
            cancel.ThrowIfCancellationRequested();
            if (reader.Poll(sink) > 0)
            {
                movedAt = clock.GetTimestamp();
            }

            if (sink.Ended || clock.GetElapsedTime(movedAt) > Patience)
            {
                throw ErrorIds.TargetChanged.With(
                    $"Target partition {partition} has {sink.Found} committed records from offset {start} on; this restore put {count} there. It was emptied or changed.", partition.ToString());
            }
        }

        return sink.Places;
    }

    private sealed class Collector(long count) : IRecordSink
    {
        public OffsetMap Places { get; } = new();

        public long Found { get; private set; }

        public bool Ended { get; private set; }

        public void OnRecord(int slot, in RecordView record)
        {
            if (Found < count)
            {
                Places.Add(Found++, record.Offset);
            }
        }

        public void OnEnd(int slot, long offset) => Ended = Found < count;

        public void OnError(int slot, ReadFault fault) => Ended = true;

        public void OnClusterFault(KafkaBackupException error)
        {
            // The client library goes on trying; our patience decides.
        }
    }
}
