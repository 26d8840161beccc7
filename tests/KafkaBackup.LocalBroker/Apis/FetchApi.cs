using KafkaBackup.LocalBroker.Log;
using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Topics;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

/// <summary>
/// Answers at once when there is enough, else waits for its partitions to change. There are no fetch sessions: every answer
/// carries session 0, and clients then name all partitions each time.
/// </summary>
internal sealed class FetchApi() : Api(ApiKey.Fetch, 4, 12, 12)
{
    public override async ValueTask<bool> Handle(Request request, WireReader body, WireWriter reply)
    {
        var asked = Read(request, body);
        if (!await request.Admit().ConfigureAwait(false))
            return false;
        var refused = asked.Partitions.ConvertAll(p => Refuse(request, p));
        if (refused.TrueForAll(e => e == ErrorCode.None) && asked.MaxWait > TimeSpan.Zero && !Enough(request, asked))
        {
            await WaitForEnough(request, asked).ConfigureAwait(false);

            // Leaders may have moved while we waited: data of a new reign must not answer a question about the old one.
            refused = asked.Partitions.ConvertAll(p => Refuse(request, p));
        }

        var reads = Read(request, asked, refused);
        var wait = request.Cluster.ReadQuota?.Take(reads.Sum(r => (long)(r.Slice?.Length ?? 0))) ?? TimeSpan.Zero;
        if (wait > TimeSpan.Zero)
        {
            reads = reads.ConvertAll(r => r with { Slice = null });
            request.Connection.MuteFor(wait);
        }

        Write(request, asked, reads, wait * request.Cluster.ReadWaitTold, reply);
        return true;
    }

    private static Asked Read(Request request, WireReader body)
    {
        var version = request.Version;
        body.Int32(); // replica id: there are no followers
        var maxWait = body.Int32();
        var minBytes = body.Int32();
        var maxBytes = body.Int32();
        var committed = body.Int8() == 1;
        if (version >= 7)
        {
            body.Int32();
            body.Int32();
        }

        var partitions = new List<AskedPartition>();
        body.Array(t =>
        {
            var name = t.String();
            t.Array(p =>
            {
                var index = p.Int32();
                var epoch = version >= 9 ? p.Int32() : -1;
                var offset = p.Int64();
                if (version >= 12)
                    p.Int32();
                if (version >= 5)
                    p.Int64();
                partitions.Add(new AskedPartition(name, index, epoch, offset, p.Int32(), request.Cluster.Topics.Find(name, index)));
                request.Log.Name(name, index);
                p.Tags();
                return 0;
            });
            t.Tags();
            return 0;
        });
        return new Asked(TimeSpan.FromMilliseconds(Math.Max(0, maxWait)), minBytes, maxBytes, committed, partitions);
    }

    private static ErrorCode Refuse(Request request, AskedPartition asked)
    {
        var refused = Request.First(request.FailureOf(asked.Topic, asked.Index), request.DeniedTopic(asked.Topic));
        if (refused != ErrorCode.None)
            return refused;
        return asked.Partition is null || request.Cluster.KnowsNoTopics ? ErrorCode.UnknownTopicOrPartition : Leadership.Check(asked.Partition, request.Broker, asked.LeaderEpoch);
    }

    private static async Task WaitForEnough(Request request, Asked asked)
    {
        var signal = new AppendSignal();
        foreach (var partition in asked.Partitions)
            partition.Partition!.Log.Subscribe(signal);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(request.Cluster.Stopping, request.Connection.Gone);
            limit.CancelAfter(asked.MaxWait);
            while (!Enough(request, asked))
            {
                await signal.Task.WaitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (limit.IsCancellationRequested)
                    return;
                signal.Reset();
            }
        }
        finally
        {
            foreach (var partition in asked.Partitions)
                partition.Partition!.Log.Unsubscribe(signal);
        }
    }

    /// <summary>A change that ends the wait with an error is enough as well.</summary>
    private static bool Enough(Request request, Asked asked)
    {
        long available = 0;
        foreach (var p in asked.Partitions)
        {
            var log = p.Partition!.Log;
            if (Leadership.Check(p.Partition, request.Broker, p.LeaderEpoch) != ErrorCode.None || p.Offset < log.LogStart || p.Offset > log.LogEnd)
                return true;
            available += log.Available(p.Offset, asked.Committed);
            if (available >= asked.MinBytes)
                return true;
        }

        return false;
    }

    /// <summary>In the order that the answer has.</summary>
    private static List<ReadOutcome> Read(Request request, Asked asked, List<ErrorCode> refused)
    {
        var left = (long)asked.MaxBytes;
        var any = false;
        var reads = new List<ReadOutcome>();
        foreach (var (partition, error) in asked.Partitions.Zip(refused))
        {
            var read = error != ErrorCode.None
                ? new ReadOutcome(error, -1, -1, -1, null, [])
                : partition.Partition!.Log.Read(partition.Offset, (int)Math.Min(partition.MaxBytes, Math.Max(0, left)), asked.Committed, atLeastOne: !any);
            left -= read.Slice?.Length ?? 0;
            any |= read.Slice is not null;
            reads.Add(read with { Error = request.AnswerFor(partition.Topic, partition.Index, read.Error) });
        }

        return reads;
    }

    private static void Write(Request request, Asked asked, List<ReadOutcome> reads, TimeSpan throttled, WireWriter reply)
    {
        var version = request.Version;
        reply.Int32((int)throttled.TotalMilliseconds);
        if (version >= 7)
        {
            reply.Error(ErrorCode.None);
            reply.Int32(0);
        }

        var topics = asked.Partitions.Zip(reads).GroupBy(p => p.First.Topic).ToList();
        reply.Array(topics, (w, topic) =>
        {
            w.String(topic.Key);
            w.Array(topic.ToList(), (pw, entry) => WritePartition(pw, entry.First.Index, entry.Second, asked.Committed, version));
            w.Tags();
        });
        reply.Tags();
    }

    private static void WritePartition(WireWriter w, int index, ReadOutcome read, bool committed, short version)
    {
        w.Int32(index);
        w.Error(read.Error);
        w.Int64(read.HighWatermark);
        w.Int64(read.LastStableOffset);
        if (version >= 5)
            w.Int64(read.LogStart);
        if (committed)
        {
            w.Array(read.Aborted, static (a, aborted) =>
            {
                a.Int64(aborted.ProducerId);
                a.Int64(aborted.FirstOffset);
                a.Tags();
            });
        }
        else
        {
            w.NullArray();
        }

        if (version >= 11)
            w.Int32(-1);
        w.Records(read.Slice);
        w.Tags();
    }

    private sealed record Asked(TimeSpan MaxWait, int MinBytes, int MaxBytes, bool Committed, List<AskedPartition> Partitions);

    private sealed record AskedPartition(string Topic, int Index, int LeaderEpoch, long Offset, int MaxBytes, Partition? Partition);
}
