using KafkaBackup.LocalBroker.Apis;
using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Topics;

namespace KafkaBackup.LocalBroker;

public sealed partial class LocalCluster
{
    private readonly object _leadership = new();
    private bool _knowsNoTopics;

    /// <summary>The brokers that are up, by id.</summary>
    public IReadOnlyList<int> AliveBrokers => [.. _brokers.Values.Where(b => !b.IsStopped).Select(b => b.Id)];

    internal IEnumerable<BrokerNode> BrokerNodes => _brokers.Values.Where(b => !b.IsStopped);

    /// <summary>Fetch sessions that a broker keeps now.</summary>
    public int FetchSessionsOf(int broker) => SessionsOf(broker).Count;

    internal FetchSessions SessionsOf(int broker) => Node(broker).Sessions;

    internal int Controller => BrokerNodes.FirstOrDefault()?.Id ?? -1;

    /// <summary>The address of one broker.</summary>
    public string AddressOf(int broker) => Node(broker).Address;

    /// <summary>Kills a broker: its connections break, and what it led goes to other replicas or stays without a leader.</summary>
    public async Task StopBroker(int broker)
    {
        await Node(broker).Stop().ConfigureAwait(false);
        SessionsOf(broker).Clear();
        lock (_leadership)
        {
            var alive = AliveBrokers;
            foreach (var partition in Topics.Partitions.Where(p => p.Leader == broker))
                partition.Lead(partition.Replicas.FirstOrDefault(alive.Contains, -1));
        }
    }

    /// <summary>Brings a stopped broker back on its old port. It leads again what had no leader meanwhile.</summary>
    public void StartBroker(int broker)
    {
        Node(broker).Start();
        lock (_leadership)
        {
            foreach (var partition in Topics.Partitions.Where(p => p.Leader < 0 && p.Replicas.Contains(broker)))
                partition.Lead(broker);
        }
    }

    /// <summary>Hands a partition to another broker; clients learn it from the next NOT_LEADER_OR_FOLLOWER.</summary>
    public void MoveLeader(string topic, int partition, int broker)
    {
        Node(broker);
        lock (_leadership)
            Require(topic, partition).Lead(broker);
    }

    public int LeaderOf(string topic, int partition) => Require(topic, partition).Leader;

    /// <summary>Breaks every connection, or those of one broker; clients connect again.</summary>
    public void DropConnections(int? broker = null)
    {
        foreach (var node in _brokers.Values.Where(b => broker is null || b.Id == broker))
            node.DropConnections();
    }

    /// <summary>
    /// Brokers that have just started know no topics for a while: they show none, and answer that they do not know those asked for.
    /// </summary>
    public bool KnowsNoTopics
    {
        get => Volatile.Read(ref _knowsNoTopics);
        set => Volatile.Write(ref _knowsNoTopics, value);
    }

    /// <summary>Holds readers back to so many bytes a second, as brokers before Kafka 2.6 did.</summary>
    /// <param name="free">So many bytes are given before that begins.</param>
    /// <param name="told">What clients are told of a wait is so many times as long, for clients whose clock runs that much faster.</param>
    public void LimitReading(int bytesPerSecond, TimeSpan window, long free = 0, int told = 1) =>
        (ReadQuota, ReadWaitTold) = (new FetchQuota(bytesPerSecond, window, free, TimeProvider.System), told);

    internal int ReadWaitTold { get; private set; } = 1;

    internal FetchQuota? ReadQuota { get; private set; }

    /// <summary>
    /// Takes a right away: requests of the API (null: any) on the resource (null: any) by the user (null: any) are refused.
    /// </summary>
    /// <param name="resource">A topic, a group, a transactional id, or <c>kafka-cluster</c>.</param>
    public void Deny(ApiKey? api, string? resource = null, string? user = null) => Denials.Add(api, resource, user);

    /// <summary>Gives all rights back.</summary>
    public void AllowAll() => Denials.Clear();

    /// <summary>The broker that coordinates a group or a transactional id: one of those that are up.</summary>
    internal int CoordinatorOf(string key)
    {
        var all = _brokers.Keys.ToArray();
        var hash = 17;
        foreach (var c in key)
            hash = unchecked((hash * 31) + c);
        var first = (int)((uint)hash % (uint)all.Length);
        return Enumerable.Range(0, all.Length).Select(i => all[(first + i) % all.Length]).FirstOrDefault(id => !_brokers[id].IsStopped, -1);
    }

    private BrokerNode Node(int broker) =>
        _brokers.TryGetValue(broker, out var node)
            ? node
            : throw new ArgumentOutOfRangeException(
                nameof(broker),
                $"There is no broker {broker}; there are {string.Join(", ", _brokers.Keys)}."
            );

    private Partition Require(string topic, int partition) =>
        Topics.Find(topic, partition) ?? throw new ArgumentException($"There is no partition {partition} of a topic '{topic}'.");
}
