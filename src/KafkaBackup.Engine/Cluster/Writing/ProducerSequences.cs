using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Messages;

namespace KafkaBackup.Engine.Cluster;

/// <summary>Producer ids, and what the leaders of partitions still know of them (rule L6).</summary>
internal sealed class ProducerSequences(WireConnections connections)
{
    /// <summary>Raising the epoch of a producer came with Kafka 2.5, and so did taking any sequence from a forgotten one.</summary>
    private const short VersionOfForgetful = 3;

    /// <summary>
    /// A broker counts a producer's age from the newest record that it sent, not from when that came, and looks for old ones every ten
    /// minutes. A day is Kafka's default; of records as old as these nobody knows when they are forgotten.
    /// </summary>
    private static readonly TimeSpan SurelyRemembered = TimeSpan.FromHours(12);

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly WireCluster _cluster = connections.Cluster;
    private readonly WriterErrors _errors = new(connections);

    public async Task<long> NewIdAsync(CancellationToken cancel)
    {
        var clock = _cluster.Options.Clock;
        var began = clock.GetTimestamp();
        while (true)
        {
            try
            {
                var answer = await _cluster.AskAnyAsync(new InitProducerIdRequest(null, Patience), cancel).ConfigureAwait(false);
                if (answer.Error == WireErrorCode.None)
                {
                    return answer.ProducerId;
                }

                // Some seconds after a broker's start it has no producer ids to give.
                if (!answer.Error.IsRetriable() || clock.GetElapsedTime(began) > Patience)
                {
                    throw _errors.Fatal(answer.Error);
                }
            }
            catch (WireException fault)
            {
                throw _errors.Connection(fault);
            }

            await Task.Delay(Pause, clock, cancel).ConfigureAwait(false);
        }
    }

    public async Task<IReadOnlySet<TopicPartition>> FindGuardedAsync(
        IReadOnlyDictionary<TopicPartition, PartitionSequence> sequences,
        CancellationToken cancel
    )
    {
        var guarded = new HashSet<TopicPartition>();
        try
        {
            var byBroker = new Dictionary<int, List<TopicPartition>>();
            foreach (var partition in sequences.Keys)
            {
                var leader = await _cluster.LeaderAsync(partition.Topic, partition.Partition, cancel).ConfigureAwait(false);
                if (leader.Broker >= 0)
                {
                    (byBroker.TryGetValue(leader.Broker, out var led) ? led : byBroker[leader.Broker] = []).Add(partition);
                }
            }

            foreach (var (broker, partitions) in byBroker)
            {
                guarded.UnionWith(await AskAsync(broker, partitions, sequences, cancel).ConfigureAwait(false));
            }
        }
        catch (WireException)
        {
            // A leader that is away says nothing: its partitions are not guarded.
            _cluster.NoteLost(sequences.Keys.Select(p => p.Topic).Distinct());
        }

        return guarded;
    }

    private async Task<IEnumerable<TopicPartition>> AskAsync(
        int broker,
        List<TopicPartition> partitions,
        IReadOnlyDictionary<TopicPartition, PartitionSequence> sequences,
        CancellationToken cancel
    )
    {
        var connection = await _cluster.ConnectionAsync(broker, WireCluster.Control, cancel).ConfigureAwait(false);
        if (connection.Versions.Newest(InitProducerIdRequest.Definition) is >= 0 and < VersionOfForgetful)
        {
            // It refuses whatever does not begin a sequence of a producer that it has forgotten.
            return partitions;
        }

        if (!connection.Versions.Knows(ApiKey.DescribeProducers))
        {
            return [];
        }

        var topics = partitions
            .GroupBy(p => p.Topic, StringComparer.Ordinal)
            .Select(t => new TopicEntries<int>(t.Key, [.. t.Select(p => p.Partition)]))
            .ToArray();
        var answer = await connection.SendAsync(new DescribeProducersRequest(topics), cancel).ConfigureAwait(false);
        var remembered = (_cluster.Options.Clock.GetUtcNow() - SurelyRemembered).ToUnixTimeMilliseconds();
        return answer
            .Topics.SelectMany(t => t.Partitions.Select(p => (Partition: new TopicPartition(t.Name, p.Partition), p.Producers)))
            .Where(p => p.Producers.Any(known => Goes(known, sequences[p.Partition]) && known.LastTimestamp >= remembered))
            .Select(p => p.Partition);
    }

    private static bool Goes(ActiveProducer known, PartitionSequence sequence) =>
        known.ProducerId == sequence.ProducerId && known.Epoch == sequence.Epoch;
}
