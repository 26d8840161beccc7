using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Topics;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

/// <summary>What a fetch request says.</summary>
internal sealed record FetchAsked(
    TimeSpan MaxWait,
    int MinBytes,
    int MaxBytes,
    bool Committed,
    int SessionId,
    int SessionEpoch,
    List<FetchAskedPartition> Partitions,
    List<(string Topic, Guid Id, int Index)> Forgotten,
    string Rack
)
{
    public const short TopicIdsFrom = 13;

    public static FetchAsked Read(Request request, WireReader body)
    {
        var version = request.Version;
        if (version <= 14)
            body.Int32(); // replica id: there are no followers
        var maxWait = body.Int32();
        var minBytes = body.Int32();
        var maxBytes = body.Int32();
        var committed = body.Int8() == 1;
        var sessionId = version >= 7 ? body.Int32() : 0;
        var sessionEpoch = version >= 7 ? body.Int32() : -1;
        var partitions = new List<FetchAskedPartition>();
        body.Array(t =>
        {
            var (name, id) = ReadTopic(request, t);
            t.Array(p =>
            {
                partitions.Add(ReadPartition(request, name, id, p));
                return 0;
            });
            t.Tags();
            return 0;
        });
        var forgotten = new List<(string Topic, Guid Id, int Index)>();
        if (version >= 7)
        {
            body.Array(t =>
            {
                var (name, id) = ReadTopic(request, t);
                forgotten.AddRange(t.Array(static p => p.Int32()).Select(index => (name, id, index)));
                t.Tags();
                return 0;
            });
        }

        var rack = version >= 11 ? body.String() : "";
        body.Tags();
        return new FetchAsked(
            TimeSpan.FromMilliseconds(Math.Max(0, maxWait)),
            minBytes,
            maxBytes,
            committed,
            sessionId,
            sessionEpoch,
            partitions,
            forgotten,
            rack
        );
    }

    private static (string Name, Guid Id) ReadTopic(Request request, WireReader body)
    {
        if (request.Version < TopicIdsFrom)
            return (body.String(), Guid.Empty);
        var id = body.Uuid();
        return (request.Cluster.Topics.ById(id)?.Name ?? "", id);
    }

    private static FetchAskedPartition ReadPartition(Request request, string name, Guid id, WireReader body)
    {
        var version = request.Version;
        var index = body.Int32();
        var epoch = version >= 9 ? body.Int32() : -1;
        var offset = body.Int64();
        var lastEpoch = version >= 12 ? body.Int32() : -1;
        if (version >= 5)
            body.Int64(); // a follower's log start
        var maxBytes = body.Int32();
        body.Tags();
        request.Log.Name(name, index);
        return new FetchAskedPartition(name, id, index, epoch, offset, lastEpoch, maxBytes);
    }
}

/// <param name="Topic">Empty for a topic id that nothing is known of.</param>
internal sealed record FetchAskedPartition(
    string Topic,
    Guid TopicId,
    int Index,
    int LeaderEpoch,
    long Offset,
    int LastFetchedEpoch,
    int MaxBytes
)
{
    public (string Topic, Guid Id, int Index) Key => (Topic, TopicId, Index);

    /// <summary>By id where the client gave one, so that a recreated topic is not taken for the old one.</summary>
    public Partition? Find(LocalCluster cluster) =>
        TopicId == Guid.Empty ? cluster.Topics.Find(Topic, Index) : cluster.Topics.ById(TopicId)?.Find(Index);
}
