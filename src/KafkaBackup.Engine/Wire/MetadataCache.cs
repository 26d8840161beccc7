using System.Collections.Concurrent;
using KafkaBackup.Engine.Wire.Messages;

namespace KafkaBackup.Engine.Wire;

/// <summary>Who leads a partition, as far as is known.</summary>
/// <param name="Broker">-1 while nobody does, or when <paramref name="Error"/> says why it is not known.</param>
/// <param name="Epoch">-1 for brokers that do not say it.</param>
/// <param name="TopicId">Empty for brokers that know none.</param>
internal readonly record struct PartitionLeader(int Broker, int Epoch, Guid TopicId, WireErrorCode Error);

/// <summary>
/// What metadata said last, topic by topic. An older leader never replaces a newer one (KIP-320). Any thread may call it.
/// </summary>
internal sealed class MetadataCache(TimeProvider clock, TimeSpan maxAge)
{
    private readonly ConcurrentDictionary<string, Known> _topics = new(StringComparer.Ordinal);
    private Cluster _cluster = new(null, -1, new Dictionary<int, MetadataBroker>());

    public string? ClusterId => Volatile.Read(ref _cluster).Id;

    public int Controller => Volatile.Read(ref _cluster).Controller;

    public IReadOnlyCollection<MetadataBroker> Brokers => (IReadOnlyCollection<MetadataBroker>)Volatile.Read(ref _cluster).Brokers.Values;

    public bool TryGetBroker(int id, out MetadataBroker broker) => Volatile.Read(ref _cluster).Brokers.TryGetValue(id, out broker);

    /// <returns>False when the topic has to be asked for: unknown, old, or known to be wrong.</returns>
    public bool TryGetLeader(string topic, int partition, out PartitionLeader leader)
    {
        leader = default;
        if (!_topics.TryGetValue(topic, out var known) || known.IsStale || clock.GetElapsedTime(known.At) > maxAge)
        {
            return false;
        }

        leader = Leader(known, partition);
        return true;
    }

    /// <summary>What is known now, even when it is out of date.</summary>
    public PartitionLeader LeaderOf(string topic, int partition) =>
        _topics.TryGetValue(topic, out var known)
            ? Leader(known, partition)
            : new PartitionLeader(-1, -1, Guid.Empty, WireErrorCode.UnknownTopicOrPartition);

    /// <summary>The next who needs a leader of this topic asks again.</summary>
    public void Invalidate(string topic)
    {
        if (_topics.TryGetValue(topic, out var known))
        {
            known.IsStale = true;
        }
    }

    /// <summary>
    /// The broker says that it is behind what is known here. Without topic ids that is also how a recreated topic shows, whose epochs begin
    /// again: what is known must not stand against the next answer.
    /// </summary>
    public void Doubt(string topic)
    {
        if (_topics.TryGetValue(topic, out var known) && known.Id == Guid.Empty)
        {
            _topics.TryRemove(new KeyValuePair<string, Known>(topic, known));
        }
        else
        {
            Invalidate(topic);
        }
    }

    public void Update(MetadataResponse answer)
    {
        Volatile.Write(
            ref _cluster,
            new Cluster(answer.ClusterId, answer.ControllerId, answer.Brokers.GroupBy(b => b.Id).ToDictionary(b => b.Key, b => b.Last()))
        );
        foreach (var topic in answer.Topics)
        {
            if (topic.Name is { } name)
            {
                _topics.AddOrUpdate(
                    name,
                    static (_, asked) => Fresh(asked.Topic, null, asked.Now),
                    static (_, before, asked) => Fresh(asked.Topic, before, asked.Now),
                    (Topic: topic, Now: clock.GetTimestamp())
                );
            }
        }
    }

    /// <summary>A broker named the new leader itself, in an answer (KIP-951).</summary>
    /// <returns>Whether that was news.</returns>
    public bool NoteLeader(string topic, int partition, LeaderEpoch leader, IEnumerable<FetchEndpoint> endpoints)
    {
        if (leader.Leader < 0 || !_topics.TryGetValue(topic, out var known))
        {
            return false;
        }

        foreach (var endpoint in endpoints)
        {
            AddBroker(new MetadataBroker(endpoint.Broker, endpoint.Host, endpoint.Port, endpoint.Rack));
        }

        lock (known)
        {
            if (
                !TryGetBroker(leader.Leader, out _)
                || partition < 0
                || partition >= known.Leaders.Length
                || leader.Epoch <= known.Leaders[partition].Epoch
            )
            {
                return false;
            }

            known.Leaders[partition] = new PartitionLeader(leader.Leader, leader.Epoch, known.Id, WireErrorCode.None);
            return true;
        }
    }

    private void AddBroker(MetadataBroker broker)
    {
        while (true)
        {
            var before = Volatile.Read(ref _cluster);
            if (before.Brokers.TryGetValue(broker.Id, out var same) && same == broker)
            {
                return;
            }

            var after = before with { Brokers = new Dictionary<int, MetadataBroker>(before.Brokers) { [broker.Id] = broker } };
            if (Interlocked.CompareExchange(ref _cluster, after, before) == before)
            {
                return;
            }
        }
    }

    private static PartitionLeader Leader(Known known, int partition)
    {
        if (known.Error != WireErrorCode.None)
        {
            return new PartitionLeader(-1, -1, known.Id, known.Error);
        }

        lock (known)
        {
            return partition >= 0 && partition < known.Leaders.Length
                ? known.Leaders[partition]
                : new PartitionLeader(-1, -1, known.Id, WireErrorCode.UnknownTopicOrPartition);
        }
    }

    private static Known Fresh(MetadataTopic topic, Known? before, long now)
    {
        // Partitions are numbered without gaps; a broker that claims a partition far out must not make room for all below it.
        var leaders = new PartitionLeader[topic.Partitions.Count];
        Array.Fill(leaders, new PartitionLeader(-1, -1, topic.Id, WireErrorCode.LeaderNotAvailable));
        var sameTopic = before is not null && before.Id == topic.Id;
        foreach (var partition in topic.Partitions)
        {
            if (partition.Index < 0 || partition.Index >= leaders.Length)
            {
                continue;
            }

            var error = partition.Leader < 0 ? WireErrorCode.LeaderNotAvailable : WireErrorCode.None;
            var leader = new PartitionLeader(partition.Leader, partition.LeaderEpoch, topic.Id, error);
            if (sameTopic && Leader(before!, partition.Index) is var older && older.Epoch > leader.Epoch && leader.Epoch >= 0)
            {
                leader = older;
            }

            leaders[partition.Index] = leader;
        }

        return new Known(topic.Id, topic.Error, leaders, now);
    }

    private sealed record Cluster(string? Id, int Controller, Dictionary<int, MetadataBroker> Brokers);

    private sealed class Known(Guid id, WireErrorCode error, PartitionLeader[] leaders, long at)
    {
        private volatile bool _isStale;

        public Guid Id { get; } = id;

        public WireErrorCode Error { get; } = error;

        public PartitionLeader[] Leaders { get; } = leaders;

        public long At { get; } = at;

        public bool IsStale
        {
            get => _isStale;
            set => _isStale = value;
        }
    }
}
