using System.Runtime.CompilerServices;
using System.Threading.Channels;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Browse;

/// <summary>Shows records of live topics, up to the ends they have when it begins; never waits for more.</summary>
internal sealed class TopicBrowser(Func<IKafkaCluster> openCluster, TimeProvider clock, IEngineEvents events)
{
    private const IsolationLevel Isolation = IsolationLevel.ReadCommitted;

    /// <summary>So many records may be read ahead of whoever looks at them.</summary>
    private const int Ahead = 64;

    private static readonly ReaderOptions Reading = new(Isolation, QueuedBytes: 8 << 20);

    public async IAsyncEnumerable<RecordInfo> ReadAsync(RecordQuery asked, [EnumeratorCancellation] CancellationToken cancel)
    {
        var query = BrowseQuery.From(asked);
        await using var cluster = openCluster();
        var description = await cluster.DescribeAsync(cancel).ConfigureAwait(false);
        var topics = description.Topics.ToDictionary(
            t => t.Key,
            t => (IReadOnlyList<int>)t.Value.Partitions.Select(p => p.Partition).ToArray(),
            StringComparer.Ordinal
        );
        var partitions = BrowseQuery.PartitionsOf(query.Topics, query.Partitions, $"The cluster {cluster.Address}", topics);
        var ranges = await RangesAsync(cluster, partitions, query, cancel).ConfigureAwait(false);

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var channel = Channel.CreateBounded<RecordInfo>(Ahead);
        var reading = Task.Factory.StartNew(
            () => ReadAll(cluster, ranges, query, channel.Writer, stop.Token),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );
        var found = false;
        try
        {
            await foreach (var record in channel.Reader.ReadAllAsync(cancel).ConfigureAwait(false))
            {
                found = true;
                yield return record;
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await reading.ConfigureAwait(false);
        }

        if (!found && query.Wanted is { } wanted)
        {
            var there = string.Join(
                "; ",
                ranges
                    .Take(10)
                    .Select(r => r.LogStart < r.LogEnd ? $"{r.Id} has offsets {r.LogStart} to {r.LogEnd - 1}" : $"{r.Id} is empty")
            );
            throw ErrorIds.NothingMatched.With($"The cluster {cluster.Address} has no record {wanted} in {query.Topics}: {there}.", wanted);
        }
    }

    private static async Task<IReadOnlyList<Range>> RangesAsync(
        IKafkaCluster cluster,
        IReadOnlyList<TopicPartition> partitions,
        BrowseQuery query,
        CancellationToken cancel
    )
    {
        var ends = await cluster.ListOffsetsAsync(partitions, OffsetBound.LastStable, cancel).ConfigureAwait(false);
        var starts = await cluster.ListOffsetsAsync(partitions, OffsetBound.Earliest, cancel).ConfigureAwait(false);

        // All records before the first one stamped at or after the time are older; those behind it may be anything.
        var byTime = query.Window.Start is { } time
            ? await cluster.FindOffsetsByTimeAsync(partitions.ToDictionary(p => p, _ => time), Isolation, cancel).ConfigureAwait(false)
            : null;
        return partitions
            .Select(id =>
            {
                var (start, end) = (Offset(starts[id]) ?? 0, Offset(ends[id]) ?? 0);
                var from =
                    query.Offset
                    ?? (
                        byTime is null ? start
                        : Offset(byTime[id]) is >= 0 and var found ? found
                        : end
                    );
                return new Range(id, start, end, Math.Max(start, from), end);
            })
            .ToArray();
    }

    private static long? Offset(OffsetAnswer answer) => answer.Error is { } error ? throw error : answer.Offset;

    /// <summary>Ends the channel with whatever happens; never throws itself.</summary>
    private void ReadAll(
        IKafkaCluster cluster,
        IReadOnlyList<Range> ranges,
        BrowseQuery query,
        ChannelWriter<RecordInfo> writer,
        CancellationToken cancel
    )
    {
        Exception? error = null;
        try
        {
            using var reader = new RangeReader(cluster, Reading, clock, events);
            foreach (var range in ranges)
            {
                if (query.Last is { } last)
                {
                    ReadLast(reader, range, last, query, writer, cancel);
                }
                else
                {
                    ReadRange(reader, range, query, writer, cancel);
                }
            }
        }
        catch (Exception e)
        {
            // Thrown to whoever enumerates.
            error = e;
        }

        writer.Complete(error);
    }

    private static void ReadRange(
        RangeReader reader,
        Range range,
        BrowseQuery query,
        ChannelWriter<RecordInfo> writer,
        CancellationToken cancel
    )
    {
        var left = query.Most;
        bool Take(in RecordView record)
        {
            if (query.Wants(record))
            {
                Hand(writer, query.Text.Copy(range.Id, record), cancel);
                left--;
            }

            // Only where the broker stamps the records are all that follow at least as new.
            return left > 0 && !(record.TimestampKind == TimestampKind.LogAppendTime && record.Timestamp > query.Window.End);
        }

        reader.Read(range.Id, range.From, range.End, DeletedRecords.Pass, Take, cancel);
    }

    /// <summary>
    /// Offsets have holes (markers, aborted and compacted records): goes back further until there are enough records, or the log's start.
    /// </summary>
    private static void ReadLast(
        RangeReader reader,
        Range range,
        long last,
        BrowseQuery query,
        ChannelWriter<RecordInfo> writer,
        CancellationToken cancel
    )
    {
        var newer = new List<RecordInfo>();
        var to = range.End;
        var step = last;
        while (newer.Count < last && to > range.From)
        {
            var from = Math.Max(range.From, to - step);
            var most = last - newer.Count;
            var found = new Queue<RecordInfo>();
            bool Take(in RecordView record)
            {
                found.Enqueue(query.Text.Copy(range.Id, record));
                if (found.Count > most)
                {
                    found.Dequeue();
                }

                return true;
            }

            reader.Read(range.Id, from, to, DeletedRecords.Pass, Take, cancel);
            newer = [.. found, .. newer];
            (to, step) = (from, Math.Max(step, 16) * 2);
        }

        foreach (var record in newer)
        {
            Hand(writer, record, cancel);
        }
    }

    private static void Hand(ChannelWriter<RecordInfo> writer, RecordInfo record, CancellationToken cancel)
    {
        if (!writer.TryWrite(record))
        {
            writer.WriteAsync(record, cancel).AsTask().GetAwaiter().GetResult();
        }
    }

    /// <param name="LogStart">Where the log begins, for messages, as it ends at LogEnd; what is read is [From, End).</param>
    private sealed record Range(TopicPartition Id, long LogStart, long LogEnd, long From, long End);
}
