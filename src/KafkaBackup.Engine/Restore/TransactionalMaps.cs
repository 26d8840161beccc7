using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Where the records of finished transactions lie. Markers take offsets too, so the places cannot be worked out: the target is read, committed
/// records only, side by side with the plan. What a checkpoint knows already is not read again.
/// </summary>
internal sealed class TransactionalMaps(RestoreScope scope, TargetLog log)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan PatienceWithQuota = TimeSpan.FromMinutes(10);

    /// <param name="count">Records that the target holds.</param>
    /// <param name="known">Of the first of them; null for none.</param>
    public async Task<IReadOnlyList<OffsetMap>> FindAsync(
        TargetWork target, RecordStream stream, long start, long count, IReadOnlyList<OffsetMap>? known, CancellationToken cancel)
    {
        var maps = known ?? target.Sources.Select(_ => new OffsetMap()).ToArray();
        var done = maps.Sum(m => m.Records);
        if (done > count)
        {
            throw LaneChecks.Changed(target, $"its progress says {count} records, the checkpoint {done}");
        }

        var next = start;
        if (done > 0)
        {
            var last = maps.Last(m => !m.IsEmpty).Ranges[^1];
            next = last.TargetStart + last.Length;
            await LaneChecks.RequireRecordAsync(scope, log, stream, target, done - 1, next - 1, cancel).ConfigureAwait(false);
        }

        if (done < count)
        {
            await ReadAsync(target, stream, next, done, count, maps, cancel).ConfigureAwait(false);
        }

        return maps;
    }

    private async Task ReadAsync(TargetWork target, RecordStream stream, long from, long done, long count, IReadOnlyList<OffsetMap> maps, CancellationToken cancel)
    {
        var places = await Task.Run(() => Places(target.Target, from, count - done, cancel), cancel).ConfigureAwait(false);
        var walk = new OffsetMap.Walk(places);
        await foreach (var block in stream.ReadAsync(done, cancel).ConfigureAwait(false))
        {
            using (block)
            {
                if (!Add(block, maps[target.Sources.ToList().IndexOf(block.Source)], walk, count))
                {
                    break;
                }
            }
        }
    }

    private static bool Add(StreamBlock block, OffsetMap map, OffsetMap.Walk walk, long count)
    {
        var skip = block.Skip;
        var index = block.FirstIndex + skip;
        foreach (var record in block.Block)
        {
            if (!block.Takes(record))
            {
                continue;
            }

            if (skip-- > 0)
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
        using var reader = scope.Cluster.OpenReader(new ReaderOptions(IsolationLevel.ReadCommitted, FetchBytes: 256 << 10));
        var sink = new Collector(count);
        reader.Assign(partition, start, 0);
        var movedAt = scope.Clock.GetTimestamp();
        while (sink.Found < count)
        {
            cancel.ThrowIfCancellationRequested();
            if (reader.Poll(sink) > 0)
            {
                movedAt = scope.Clock.GetTimestamp();
            }

            if (!sink.Ended && scope.Clock.GetElapsedTime(movedAt) > (sink.IsHeldBack ? PatienceWithQuota : Patience))
            {
                throw ErrorIds.TargetUnavailable.With(
                    $"Target partition {partition} gave {sink.Found} of {count} committed records from offset {start} on, and then nothing more.", partition.ToString());
            }

            if (sink.Ended)
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

        public bool IsHeldBack { get; private set; }

        public void OnRecord(int slot, in RecordView record)
        {
            if (Found < count)
            {
                Places.Add(Found++, record.Offset);
            }
        }

        public void OnEnd(int slot, long offset) => Ended = Found < count;

        public void OnError(int slot, ReadFault fault) => Ended = true;

        public void OnThrottled(TimeSpan wait) => IsHeldBack = true;

        public void OnClusterFault(KafkaBackupException error)
        {
            // The client library goes on trying; our patience decides.
        }
    }
}
