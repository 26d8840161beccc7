using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;
using KafkaBackup.LocalBroker.Log;

namespace KafkaBackup.LocalBroker.Topics;

/// <summary>All topics of the cluster. Lookups are free of locks; changes take one.</summary>
internal sealed partial class TopicStore(string directory, Func<IReadOnlyList<int>> aliveBrokers) : IDisposable
{
    private readonly object _gate = new();
    private readonly ConcurrentDictionary<string, Topic> _topics = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Guid, Topic> _byId = [];
    private int _created;

    public IEnumerable<Topic> All => _topics.Values.OrderBy(t => t.Name, StringComparer.Ordinal);

    public IEnumerable<Partition> Partitions => _topics.Values.SelectMany(t => t.Partitions);

    public bool TryGet(string name, [NotNullWhen(true)] out Topic? topic) => _topics.TryGetValue(name, out topic);

    public Topic? ById(Guid id) => _byId.GetValueOrDefault(id);

    public Partition? Find(string topic, int partition) => _topics.TryGetValue(topic, out var found) ? found.Find(partition) : null;

    public static bool IsLegalName(string name) => name is not ("." or "..") && LegalName().IsMatch(name);

    /// <summary>Says why a topic can't be created like this, or (None, null).</summary>
    public (ErrorCode Error, string? Message) Refuse(NewTopic wanted)
    {
        if (!IsLegalName(wanted.Name))
        {
            return (
                ErrorCode.InvalidTopic,
                $"Topic name is invalid: '{wanted.Name}' is not 1 to 249 characters out of ASCII alphanumerics, '.', '_' and '-'."
            );
        }

        if (_topics.ContainsKey(wanted.Name))
            return (ErrorCode.TopicAlreadyExists, $"Topic '{wanted.Name}' already exists.");
        var brokers = aliveBrokers();
        if (wanted.Assignments is { Count: > 0 } assignments)
        {
            if (assignments.Any(a => a.Length == 0 || a.Distinct().Count() != a.Length))
                return (ErrorCode.InvalidReplicaAssignment, "An assignment names no broker or one twice.");
        }
        else
        {
            if (wanted.Partitions <= 0)
                return (ErrorCode.InvalidPartitions, "Number of partitions was set to an invalid non-positive value.");
            if (wanted.ReplicationFactor is 0 or < -1)
                return (ErrorCode.InvalidReplicationFactor, "Replication factor must be larger than 0, or -1 to use the default value.");
            if (Math.Max((short)1, wanted.ReplicationFactor) > brokers.Count)
            {
                return (
                    ErrorCode.InvalidReplicationFactor,
                    $"Unable to replicate the partition {wanted.ReplicationFactor} time(s): only {brokers.Count} broker(s) are registered."
                );
            }
        }

        return TopicConfig.Refuse(wanted.Configs) is { } reason ? (ErrorCode.InvalidConfig, reason) : (ErrorCode.None, null);
    }

    public (ErrorCode Error, string? Message, Topic? Topic) Create(NewTopic wanted)
    {
        lock (_gate)
        {
            var (error, message) = Refuse(wanted);
            if (error != ErrorCode.None)
                return (error, message, null);
            var config = new TopicConfig();
            config.Replace(wanted.Configs);
            var factor = wanted.Assignments is { Count: > 0 } given ? (short)given[0].Length : Math.Max((short)1, wanted.ReplicationFactor);
            var ordinal = _created++;
            var count = wanted.Assignments is { Count: > 0 } ? wanted.Assignments.Count : wanted.Partitions;
            var partitions = Enumerable
                .Range(0, count)
                .Select(i => NewPartition(wanted.Name, ordinal, i, factor, wanted.Assignments?.ElementAtOrDefault(i)))
                .ToList();
            var topic = new Topic(wanted.Name, Guid.NewGuid(), partitions, factor, config);
            _topics[wanted.Name] = topic;
            _byId[topic.Id] = topic;
            return (ErrorCode.None, null, topic);
        }
    }

    public bool Delete(string name)
    {
        lock (_gate)
        {
            if (!_topics.TryRemove(name, out var topic))
                return false;
            _byId.TryRemove(topic.Id, out _);
            foreach (var partition in topic.Partitions)
                partition.Log.Dispose();
            return true;
        }
    }

    public void Grow(Topic topic, int count)
    {
        lock (_gate)
        {
            var ordinal = _created++;
            topic.Add(
                Enumerable
                    .Range(topic.Partitions.Count, count - topic.Partitions.Count)
                    .Select(i => NewPartition(topic.Name, ordinal, i, topic.ReplicationFactor, null))
                    .ToList()
            );
        }
    }

    public void Dispose()
    {
        foreach (var name in _topics.Keys)
            Delete(name);
    }

    /// <summary>File names carry a number of our own: topic names differing only in case must not share a file anywhere.</summary>
    private Partition NewPartition(string topic, int ordinal, int index, short factor, int[]? assigned)
    {
        var brokers = aliveBrokers();
        var replicas = assigned ?? [.. Enumerable.Range(0, factor).Select(r => brokers[(index + r) % brokers.Count])];
        return new Partition(topic, index, replicas, new PartitionLog(directory, $"{ordinal}-{index}", firstEpoch: 0));
    }

    [GeneratedRegex("^[a-zA-Z0-9._-]{1,249}$", RegexOptions.CultureInvariant)]
    private static partial Regex LegalName();
}

internal sealed record NewTopic(
    string Name,
    int Partitions,
    short ReplicationFactor,
    IReadOnlyList<KeyValuePair<string, string?>> Configs,
    IReadOnlyList<int[]>? Assignments = null
);
