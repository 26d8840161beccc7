using KafkaBackup.LocalBroker.Log;

namespace KafkaBackup.LocalBroker.Topics;

internal sealed class Topic(string name, Guid id, IReadOnlyList<Partition> partitions, short replicationFactor, TopicConfig config)
{
    private IReadOnlyList<Partition> _partitions = partitions;

    public string Name { get; } = name;

    public Guid Id { get; } = id;

    public short ReplicationFactor { get; } = replicationFactor;

    public TopicConfig Config { get; } = config;

    public IReadOnlyList<Partition> Partitions => Volatile.Read(ref _partitions);

    public bool IsInternal => Name is "__consumer_offsets" or "__transaction_state";

    public Partition? Find(int partition) => partition >= 0 && partition < Partitions.Count ? Partitions[partition] : null;

    public void Add(IEnumerable<Partition> more) => Volatile.Write(ref _partitions, [.. Partitions, .. more]);
}

/// <summary>A partition: its log, and which broker leads it. The leader is -1 while no replica is alive.</summary>
internal sealed class Partition(string topic, int index, int[] replicas, PartitionLog log)
{
    private int _leader = replicas[0];

    public string Topic { get; } = topic;

    public int Index { get; } = index;

    public int[] Replicas { get; private set; } = replicas;

    public PartitionLog Log { get; } = log;

    public bool IsOn(int broker) => Replicas.Contains(broker);

    public int Leader => Volatile.Read(ref _leader);

    public int LeaderEpoch => Log.LeaderEpoch;

    /// <summary>Hands the partition to another broker, under a higher epoch.</summary>
    public void Lead(int broker)
    {
        if (broker >= 0 && !Replicas.Contains(broker))
            Replicas = [.. Replicas, broker];
        Log.RaiseEpoch();
        Volatile.Write(ref _leader, broker);
    }
}
