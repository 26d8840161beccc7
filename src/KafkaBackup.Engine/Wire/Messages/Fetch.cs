using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Messages;

/// <summary>
/// Record batches of partitions. The answer holds its bytes where they were received; it must be disposed of. Versions 4 to 6 know no
/// sessions, up to 10 no followers, up to 11 no diverging epochs, up to 12 no topic ids.
/// </summary>
internal sealed class FetchRequest : WireRequest<FetchResponse>
{
    public static readonly WireApi Definition = new(ApiKey.Fetch, 4, 17, 12, 8);

    /// <summary>The first version that names topics by id instead of by name.</summary>
    public const short TopicIdsFrom = 13;

    /// <summary>How long the broker may wait until it has <see cref="MinBytes"/>.</summary>
    public required TimeSpan MaxWait { get; init; }

    public int MinBytes { get; init; } = 1;

    /// <summary>For the answer as a whole. The first batch comes whole even if it is larger.</summary>
    public required int MaxBytes { get; init; }

    public required bool ReadCommitted { get; init; }

    /// <summary>0 for none. See <see cref="FetchSession"/>.</summary>
    public int SessionId { get; init; }

    /// <summary>-1 asks for no session, 0 for a new one, a larger number continues one.</summary>
    public int SessionEpoch { get; init; } = -1;

    public required IReadOnlyCollection<FetchTopic> Topics { get; init; }

    /// <summary>Partitions that leave the session.</summary>
    public IReadOnlyCollection<ForgottenTopic> Forgotten { get; init; } = [];

    /// <summary>Where this client is, for brokers that send it to a nearer replica; empty for nowhere.</summary>
    public string Rack { get; init; } = "";

    /// <summary>Set when the answer must come without topic ids, for example since a session began that way.</summary>
    public bool ByName { get; init; }

    public override WireApi Api => Definition;

    public override short MostVersion =>
        ByName || Topics.Any(t => t.Id == Guid.Empty) || Forgotten.Any(t => t.Id == Guid.Empty)
            ? (short)(TopicIdsFrom - 1)
            : Definition.MaxVersion;

    public override TimeSpan BrokerWaits => MaxWait;

    public override void Write(WireWriter writer)
    {
        var version = writer.Version;
        if (version <= 14)
        {
            writer.Int32(-1); // no follower; later versions say so by leaving a tagged field out
        }

        writer.Milliseconds(MaxWait);
        writer.Int32(MinBytes);
        writer.Int32(MaxBytes);
        writer.Int8(ReadCommitted ? (sbyte)1 : (sbyte)0);
        if (version >= 7)
        {
            writer.Int32(SessionId);
            writer.Int32(SessionEpoch);
        }

        writer.Array(
            Topics,
            static (w, topic) =>
            {
                WriteName(w, topic.Name, topic.Id);
                w.Array(topic.Partitions, WritePartition);
                w.Tags();
            }
        );
        if (version >= 7)
        {
            writer.Array(
                Forgotten,
                static (w, topic) =>
                {
                    WriteName(w, topic.Name, topic.Id);
                    w.Int32Array(topic.Partitions);
                    w.Tags();
                }
            );
        }

        if (version >= 11)
        {
            writer.String(Rack);
        }

        writer.Tags();
    }

    public override FetchResponse Read(ref WireReader reader)
    {
        var version = reader.Version;
        var throttle = reader.Milliseconds("throttle_time_ms");
        var error = version >= 7 ? reader.Error() : WireErrorCode.None;
        var session = version >= 7 ? reader.Int32("session_id") : 0;
        var topics = reader.Array("responses", 3, ReadTopic);
        FetchEndpoint[] endpoints = [];
        var left = reader.TagCount();
        while (reader.NextTag(ref left, out var tag, out var end))
        {
            if (tag == 0 && version >= 16)
            {
                endpoints = NodeEndpoints.Read(ref reader);
            }

            reader.EndTag(end);
        }

        return new FetchResponse(throttle, error, session, topics, endpoints, reader.Buffer);
    }

    private static void WriteName(WireWriter writer, string name, Guid id)
    {
        if (writer.Version >= TopicIdsFrom)
        {
            writer.Uuid(id);
        }
        else
        {
            writer.String(name);
        }
    }

    private static void WritePartition(WireWriter writer, FetchPartition partition)
    {
        var version = writer.Version;
        writer.Int32(partition.Index);
        if (version >= 9)
        {
            writer.Int32(partition.CurrentLeaderEpoch);
        }

        writer.Int64(partition.FetchOffset);
        if (version >= 12)
        {
            writer.Int32(partition.LastFetchedEpoch);
        }

        if (version >= 5)
        {
            writer.Int64(-1); // only followers have a log start of their own
        }

        writer.Int32(partition.MaxBytes);
        writer.Tags();
    }

    private static FetchedTopic ReadTopic(ref WireReader reader)
    {
        var byId = reader.Version >= TopicIdsFrom;
        var id = byId ? reader.Uuid("topic_id") : Guid.Empty;
        var name = byId ? null : reader.String("topic");
        var partitions = reader.Array("partitions", 30, ReadPartition);
        reader.SkipTags();
        return new FetchedTopic(name, id, partitions);
    }

    private static FetchedPartition ReadPartition(ref WireReader reader)
    {
        var version = reader.Version;
        var index = reader.Int32("partition_index");
        var error = reader.Error();
        var highWatermark = reader.Int64("high_watermark");
        var lastStable = reader.Int64("last_stable_offset");
        var logStart = version >= 5 ? reader.Int64("log_start_offset") : -1;
        var aborted = reader.NullableArray(
            "aborted_transactions",
            16,
            (ref WireReader r) =>
            {
                var transaction = new FetchedAbort(r.Int64("producer_id"), r.Int64("first_offset"));
                r.SkipTags();
                return transaction;
            }
        );
        var preferred = version >= 11 ? reader.Int32("preferred_read_replica") : -1;
        var records = reader.NullableBytes("records") ?? default;
        EpochOffset? diverging = null;
        LeaderEpoch? leader = null;
        var left = reader.TagCount();
        while (reader.NextTag(ref left, out var tag, out var end))
        {
            if (tag == 0)
            {
                diverging = new EpochOffset(reader.Int32("epoch"), reader.Int64("end_offset"));
                reader.SkipTags();
            }
            else if (tag == 1)
            {
                leader = LeaderEpoch.Read(ref reader);
            }

            reader.EndTag(end);
        }

        return new FetchedPartition(
            index,
            error,
            highWatermark,
            lastStable,
            logStart,
            aborted ?? [],
            preferred,
            records,
            diverging,
            leader
        );
    }
}

/// <param name="Id">Empty when it is not known; the request then goes out by name.</param>
internal readonly record struct FetchTopic(string Name, Guid Id, IReadOnlyCollection<FetchPartition> Partitions);

/// <param name="CurrentLeaderEpoch">The epoch that the client knows, so that an old leader and a new one are told apart; -1 for
/// none.</param>
/// <param name="LastFetchedEpoch">The epoch of the last batch that was read, so that a truncation is reported; -1 for none.</param>
internal readonly record struct FetchPartition(
    int Index,
    long FetchOffset,
    int MaxBytes,
    int CurrentLeaderEpoch = -1,
    int LastFetchedEpoch = -1
);

internal readonly record struct ForgottenTopic(string Name, Guid Id, IReadOnlyCollection<int> Partitions);

/// <summary>
/// The answer to a fetch. <see cref="FetchedPartition.Records"/> is memory of its buffer: valid until the last holder disposes of it or
/// releases it.
/// </summary>
internal sealed class FetchResponse : IWireAnswer, IDisposable
{
    private AnswerBuffer? _buffer;

    public FetchResponse(
        TimeSpan throttleTime,
        WireErrorCode error,
        int sessionId,
        IReadOnlyList<FetchedTopic> topics,
        IReadOnlyList<FetchEndpoint> endpoints,
        AnswerBuffer? buffer
    )
    {
        ThrottleTime = throttleTime;
        Error = error;
        SessionId = sessionId;
        Topics = topics;
        Endpoints = endpoints;
        buffer?.Retain();
        _buffer = buffer;
    }

    public TimeSpan ThrottleTime { get; }

    /// <summary>For the request as a whole: a session that the broker forgot.</summary>
    public WireErrorCode Error { get; }

    public int SessionId { get; }

    public IReadOnlyList<FetchedTopic> Topics { get; }

    /// <summary>Addresses of the leaders that partitions name as new ones.</summary>
    public IReadOnlyList<FetchEndpoint> Endpoints { get; }

    /// <summary>
    /// For somebody who works on records after this answer is disposed of: retain first, release when done. Null for an answer that was not
    /// received.
    /// </summary>
    public AnswerBuffer? Buffer => _buffer;

    public void Dispose() => Interlocked.Exchange(ref _buffer, null)?.Release();
}

/// <param name="Name">Null from version 13 on.</param>
/// <param name="Id">Empty before version 13.</param>
internal readonly record struct FetchedTopic(string? Name, Guid Id, FetchedPartition[] Partitions);

/// <param name="LogStart">-1 before version 5.</param>
/// <param name="PreferredReplica">The broker to fetch from instead; -1 for this one.</param>
/// <param name="Records">Batches one behind the other. The last one may be cut off; a first one that is larger than what was asked for is
/// whole.</param>
/// <param name="Diverging">Set when the log was truncated below the fetch offset: where the records of the largest common epoch
/// end.</param>
/// <param name="Leader">Set when this broker does not lead the partition and knows who does.</param>
internal readonly record struct FetchedPartition(
    int Index,
    WireErrorCode Error,
    long HighWatermark,
    long LastStableOffset,
    long LogStart,
    IReadOnlyList<FetchedAbort> Aborted,
    int PreferredReplica,
    ReadOnlyMemory<byte> Records,
    EpochOffset? Diverging,
    LeaderEpoch? Leader
);

/// <summary>
/// An aborted transaction: the batches of this producer from this offset up to its next marker do not count for read_committed.
/// </summary>
internal readonly record struct FetchedAbort(long ProducerId, long FirstOffset);

internal readonly record struct EpochOffset(int Epoch, long EndOffset);

internal readonly record struct FetchEndpoint(int Broker, string Host, int Port, string? Rack);

internal readonly record struct LeaderEpoch(int Leader, int Epoch)
{
    public static LeaderEpoch Read(ref WireReader reader)
    {
        var read = new LeaderEpoch(reader.Int32("leader_id"), reader.Int32("leader_epoch"));
        reader.SkipTags();
        return read;
    }
}

internal static class NodeEndpoints
{
    public static FetchEndpoint[] Read(ref WireReader reader) =>
        reader.Array(
            "node_endpoints",
            11,
            (ref WireReader r) =>
            {
                var endpoint = new FetchEndpoint(r.Int32("node_id"), r.String("host"), r.Int32("port"), r.NullableString("rack"));
                r.SkipTags();
                return endpoint;
            }
        );
}
