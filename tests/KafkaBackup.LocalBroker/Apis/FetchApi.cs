using KafkaBackup.LocalBroker.Log;
using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Topics;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

/// <summary>Answers at once when there is enough, else waits for its partitions to change.</summary>
internal sealed class FetchApi() : Api(ApiKey.Fetch, 4, 17, 12)
{
    public override async ValueTask<bool> Handle(Request request, WireReader body, WireWriter reply)
    {
        var asked = FetchAsked.Read(request, body);
        if (!await request.Admit().ConfigureAwait(false))
            return false;
        var (lost, session) = request.Cluster.SessionsOf(request.Broker).Enter(asked, request.Version);
        if (lost != ErrorCode.None)
        {
            Write(request, asked, lost, 0, [], TimeSpan.Zero, reply);
            return true;
        }

        if (session is not null)
            asked = asked with { Partitions = session.Partitions };
        var refused = asked.Partitions.ConvertAll(p => Refuse(request, p));
        if (refused.TrueForAll(e => e == ErrorCode.None) && asked.MaxWait > TimeSpan.Zero && !Enough(request, asked))
        {
            await WaitForEnough(request, asked).ConfigureAwait(false);

            // Leaders may have moved while we waited: data of a new reign must not answer a question about the old one.
            refused = asked.Partitions.ConvertAll(p => Refuse(request, p));
        }

        var outcomes = Read(request, asked, refused);
        var wait = request.Cluster.ReadQuota?.Take(outcomes.Sum(o => (long)(o.Read.Slice?.Length ?? 0))) ?? TimeSpan.Zero;
        if (wait > TimeSpan.Zero)
        {
            outcomes = outcomes.ConvertAll(o => o with { Read = o.Read with { Slice = null } });
            request.Connection.MuteFor(wait);
        }

        if (session is not null)
            outcomes = outcomes.FindAll(o => session.IsNews(o.Asked, o));
        Write(request, asked, ErrorCode.None, session?.Id ?? 0, outcomes, wait * request.Cluster.ReadWaitTold, reply);
        return true;
    }

    private static ErrorCode Refuse(Request request, FetchAskedPartition asked)
    {
        var refused = Request.First(request.FailureOf(asked.Topic, asked.Index), request.DeniedTopic(asked.Topic));
        if (refused != ErrorCode.None)
            return refused;
        if (request.Cluster.KnowsNoTopics || asked.Find(request.Cluster) is not { } partition)
            return asked.Topic.Length == 0 || asked.TopicId != Guid.Empty ? ErrorCode.UnknownTopicId : ErrorCode.UnknownTopicOrPartition;
        return Leadership.CheckReader(request, partition, asked.LeaderEpoch);
    }

    private static async Task WaitForEnough(Request request, FetchAsked asked)
    {
        var signal = new AppendSignal();
        var logs = asked.Partitions.ConvertAll(p => p.Find(request.Cluster)?.Log);
        foreach (var log in logs)
            log?.Subscribe(signal);
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
            foreach (var log in logs)
                log?.Unsubscribe(signal);
        }
    }

    /// <summary>A change that ends the wait with an error is enough as well.</summary>
    private static bool Enough(Request request, FetchAsked asked)
    {
        long available = 0;
        foreach (var p in asked.Partitions)
        {
            if (p.Find(request.Cluster) is not { } partition)
                return true;
            var log = partition.Log;
            if (
                Leadership.CheckReader(request, partition, p.LeaderEpoch) != ErrorCode.None
                || p.Offset < log.LogStart
                || p.Offset > log.LogEnd
                || Diverging(partition, p) is not null
                || Nearer(request, asked, partition) >= 0
            )
            {
                return true;
            }

            available += log.Available(p.Offset, asked.Committed);
            if (available >= asked.MinBytes)
                return true;
        }

        return false;
    }

    /// <summary>In the order that the answer has.</summary>
    private static List<FetchOutcome> Read(Request request, FetchAsked asked, List<ErrorCode> refused)
    {
        var left = (long)asked.MaxBytes;
        var any = false;
        var outcomes = new List<FetchOutcome>();
        foreach (var (partition, error) in asked.Partitions.Zip(refused))
        {
            var outcome =
                error != ErrorCode.None
                    ? new FetchOutcome(partition, new ReadOutcome(error, -1, -1, -1, null, []))
                    : Read(request, asked, partition, (int)Math.Min(partition.MaxBytes, Math.Max(0, left)), atLeastOne: !any);
            left -= outcome.Read.Slice?.Length ?? 0;
            any |= outcome.Read.Slice is not null;
            outcomes.Add(
                outcome with
                {
                    Read = outcome.Read with { Error = request.AnswerFor(partition.Topic, partition.Index, outcome.Read.Error) },
                }
            );
        }

        return outcomes;
    }

    private static FetchOutcome Read(Request request, FetchAsked asked, FetchAskedPartition from, int maxBytes, bool atLeastOne)
    {
        if (from.Find(request.Cluster) is not { } partition)
            return new FetchOutcome(from, new ReadOutcome(ErrorCode.UnknownTopicOrPartition, -1, -1, -1, null, []));
        var log = partition.Log;
        if (Diverging(partition, from) is { } diverging && from.Offset >= log.LogStart)
        {
            // An epoch that is not known at all says nothing but that the offset is out of range.
            return diverging.Epoch < 0
                ? new FetchOutcome(from, new ReadOutcome(ErrorCode.OffsetOutOfRange, -1, -1, -1, null, []))
                : new FetchOutcome(from, log.Read(log.LogEnd, 0, asked.Committed, atLeastOne: false), diverging);
        }

        var nearer = Nearer(request, asked, partition);
        return nearer >= 0
            ? new FetchOutcome(from, log.Read(log.LogEnd, 0, asked.Committed, atLeastOne: false), PreferredReplica: nearer)
            : new FetchOutcome(from, log.Read(from.Offset, maxBytes, asked.Committed, atLeastOne));
    }

    /// <summary>Where the log went another way than the client did; null when it did not, or the client cannot be told.</summary>
    private static (int Epoch, long EndOffset)? Diverging(Partition partition, FetchAskedPartition asked)
    {
        if (asked.LastFetchedEpoch < 0)
            return null;
        var (epoch, end) = partition.Log.EpochEnd(asked.LastFetchedEpoch);
        return epoch < asked.LastFetchedEpoch || end < asked.Offset ? (epoch, end) : null;
    }

    /// <summary>A replica in the client's own rack; -1 when the leader serves it.</summary>
    private static int Nearer(Request request, FetchAsked asked, Partition partition)
    {
        var racks = request.Cluster.Options.Racks;
        if (asked.Rack.Length == 0 || partition.Leader != request.Broker || racks.GetValueOrDefault(request.Broker) == asked.Rack)
            return -1;
        var alive = request.Cluster.AliveBrokers;
        return partition.Replicas.FirstOrDefault(r => alive.Contains(r) && racks.GetValueOrDefault(r) == asked.Rack, -1);
    }

    private static void Write(
        Request request,
        FetchAsked asked,
        ErrorCode error,
        int session,
        List<FetchOutcome> outcomes,
        TimeSpan throttled,
        WireWriter reply
    )
    {
        var version = request.Version;
        reply.Int32((int)throttled.TotalMilliseconds);
        if (version >= 7)
        {
            reply.Error(error);
            reply.Int32(session);
        }

        var topics = outcomes.GroupBy(o => (o.Asked.Topic, o.Asked.TopicId)).ToList();
        reply.Array(
            topics,
            (w, topic) =>
            {
                if (version >= FetchAsked.TopicIdsFrom)
                    w.Uuid(topic.Key.TopicId);
                else
                    w.String(topic.Key.Topic);
                w.Array(topic.ToList(), (pw, outcome) => WritePartition(pw, outcome, asked.Committed, request));
                w.Tags();
            }
        );
        if (version < 16)
        {
            reply.Tags();
            return;
        }

        var leaders = outcomes.Where(IsElsewhere).Select(o => o.Asked.Find(request.Cluster)?.Leader ?? -1).Distinct();
        var nodes = request.Cluster.BrokerNodes.Where(n => leaders.Contains(n.Id)).ToList();
        reply.Tags(
            (
                0,
                nodes.Count == 0
                    ? null
                    : w =>
                        w.Array(
                            nodes,
                            static (n, node) =>
                            {
                                n.Int32(node.Id);
                                n.String("127.0.0.1");
                                n.Int32(node.Port);
                                n.String(null);
                                n.Tags();
                            }
                        )
            )
        );
    }

    private static bool IsElsewhere(FetchOutcome outcome) =>
        outcome.Read.Error is ErrorCode.NotLeaderOrFollower or ErrorCode.FencedLeaderEpoch;

    private static void WritePartition(WireWriter w, FetchOutcome outcome, bool committed, Request request)
    {
        var (version, read) = (request.Version, outcome.Read);
        w.Int32(outcome.Asked.Index);
        w.Error(read.Error);
        w.Int64(read.HighWatermark);
        w.Int64(read.LastStableOffset);
        if (version >= 5)
            w.Int64(read.LogStart);
        if (committed)
        {
            w.Array(
                read.Aborted,
                static (a, aborted) =>
                {
                    a.Int64(aborted.ProducerId);
                    a.Int64(aborted.FirstOffset);
                    a.Tags();
                }
            );
        }
        else
        {
            w.NullArray();
        }

        if (version >= 11)
            w.Int32(outcome.PreferredReplica);
        w.Records(read.Slice);
        if (version < 12)
            return;
        var partition = IsElsewhere(outcome) ? outcome.Asked.Find(request.Cluster) : null;
        w.Tags(
            (
                0,
                outcome.Diverging is not { } diverging
                    ? null
                    : d =>
                    {
                        d.Int32(diverging.Epoch);
                        d.Int64(diverging.EndOffset);
                        d.Tags();
                    }
        ),
            (
                1,
                partition is not { Leader: >= 0 } led
                    ? null
                    : l =>
                    {
                        l.Int32(led.Leader);
                        l.Int32(led.LeaderEpoch);
                        l.Tags();
                    }
        )
        );
    }
}

/// <summary>What becomes of one partition of a fetch.</summary>
internal sealed record FetchOutcome(
    FetchAskedPartition Asked,
    ReadOutcome Read,
    (int Epoch, long EndOffset)? Diverging = null,
    int PreferredReplica = -1
);
