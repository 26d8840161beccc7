using System.Diagnostics;
using KafkaBackup.Engine.Cluster.Native;
using ErrorCode = Confluent.Kafka.ErrorCode;

namespace KafkaBackup.Engine.Cluster;

/// <summary>Makes topics, many in a request; asks beforehand which the cluster would refuse.</summary>
internal sealed class TopicCreator(AdminClient admin, TopicAdmin topics, OffsetLookup offsets)
{
    /// <summary>Brokers need a while for each partition, and have to be done within one request's time; some refuse requests for very many.</summary>
    private const int PartitionsPerRequest = 500;

    private static readonly TimeSpan LeaderBudget = TimeSpan.FromSeconds(60);

    /// <returns>By topic, why it cannot be created; nothing of those that can.</returns>
    public async Task<IReadOnlyDictionary<string, KafkaBackupException>> FindRefusalsAsync(IReadOnlyCollection<NewTopic> wanted, CancellationToken cancel)
    {
        var refusals = new Dictionary<string, KafkaBackupException>(StringComparer.Ordinal);
        foreach (var chunk in Chunks(wanted))
        {
            var errors = await admin.CallAsync(TopicRequests.Create(chunk, validateOnly: true), $"Asking whether {Names(chunk)} can be created", Names(chunk), cancel).ConfigureAwait(false);
            foreach (var topic in chunk.Where(topic => errors.TryGetValue(topic.Name, out var error) && !KafkaErrors.IsPassing(error.Code)))
            {
                refusals[topic.Name] = Refusal(topic, errors[topic.Name]);
            }
        }

        return refusals;
    }

    public async Task CreateAsync(IReadOnlyCollection<NewTopic> wanted, CancellationToken cancel)
    {
        foreach (var chunk in Chunks(wanted))
        {
            await CreateChunkAsync(chunk, cancel).ConfigureAwait(false);
        }

        await WaitUntilUsableAsync(wanted.ToDictionary(topic => topic.Name, StringComparer.Ordinal), cancel).ConfigureAwait(false);
    }

    /// <summary>
    /// What took the brokers too long, or was put off by their quota, is asked for again. They may have made a topic though its answer was late or lost, so one
    /// that exists at a further attempt is the one that was asked for.
    /// </summary>
    private async Task CreateChunkAsync(NewTopic[] wanted, CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        for (var attempt = 0; wanted.Length > 0; attempt++)
        {
            if (attempt > 0)
            {
                await admin.LookAgainAsync(attempt, cancel).ConfigureAwait(false);
            }

            var (errors, failed) = await admin.AskAsync(TopicRequests.Create(wanted, validateOnly: false), attempt, cancel).ConfigureAwait(false);
            var mayPass = !AdminClient.OutOfBudget(started);
            if (failed is { } error)
            {
                if (mayPass && KafkaErrors.IsPassing(error.Code))
                {
                    continue;
                }

                throw admin.Explain(error, $"Creating {Names(wanted)}", Names(wanted));
            }

            wanted = wanted.Where(topic => errors!.TryGetValue(topic.Name, out var refusal) && !(attempt > 0 && refusal.Code == ErrorCode.TopicAlreadyExists)).ToArray();
            if (wanted.FirstOrDefault(topic => !(mayPass && KafkaErrors.IsPassing(errors![topic.Name].Code))) is { } refused)
            {
                throw Refusal(refused, errors![refused.Name]);
            }
        }
    }

    private static string Names(NewTopic[] topics) => topics.Length == 1 ? $"topic '{topics[0].Name}'" : $"{topics.Length} topics";

    private async Task WaitUntilUsableAsync(Dictionary<string, NewTopic> waiting, CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var details = await topics.DescribeTopicsAsync(waiting.Keys.ToArray(), cancel).ConfigureAwait(false);
            var led = details.Values
                .Where(topic => topic.Leaders.Count > 0 && topic.Leaders.All(leader => leader >= 0) && (waiting[topic.Name].Partitions < 0 || topic.Leaders.Count == waiting[topic.Name].Partitions))
                .ToArray();
            var partitions = led.SelectMany(topic => Enumerable.Range(0, topic.Leaders.Count).Select(partition => new TopicPartition(topic.Name, partition))).ToArray();
            var answers = await offsets.ListAsync(partitions, OffsetBound.HighWatermark, cancel).ConfigureAwait(false);
            var failing = partitions.Where(partition => answers[partition].Error is not null).Select(partition => partition.Topic).ToHashSet(StringComparer.Ordinal);
            foreach (var topic in led.Where(topic => !failing.Contains(topic.Name)))
            {
                waiting.Remove(topic.Name);
            }

            if (waiting.Count == 0)
            {
                return;
            }

            if (Stopwatch.GetElapsedTime(started) > LeaderBudget)
            {
                var first = waiting.Keys.Order(StringComparer.Ordinal).First();
                throw ErrorIds.TopicCreation.With(
                    $"Topic '{first}'{(waiting.Count > 1 ? $" and {waiting.Count - 1} more were" : " was")} created, but not all partitions had a leader after {LeaderBudget.TotalSeconds:0} seconds.",
                    first, "Check that enough brokers are up, then run again.");
            }

            await AdminClient.PauseAsync(cancel).ConfigureAwait(false);
        }
    }

    private static IEnumerable<NewTopic[]> Chunks(IEnumerable<NewTopic> topics)
    {
        var chunk = new List<NewTopic>();
        var partitions = 0;
        foreach (var topic in topics)
        {
            if (chunk.Count > 0 && partitions + topic.Partitions > PartitionsPerRequest)
            {
                yield return chunk.ToArray();
                chunk.Clear();
                partitions = 0;
            }

            chunk.Add(topic);
            partitions += Math.Max(1, topic.Partitions);
        }

        if (chunk.Count > 0)
        {
            yield return chunk.ToArray();
        }
    }

    private KafkaBackupException Refusal(NewTopic topic, NativeError error) => error.Code switch
    {
        ErrorCode.TopicAlreadyExists => ErrorIds.TopicCreation.With(
            $"Topic '{topic.Name}' cannot be created: it exists already.", topic.Name, "Use the existing topic (this user needs DESCRIBE to see it), or another name."),
        ErrorCode.InvalidReplicationFactor => ErrorIds.TopicCreation.With(
            $"Topic '{topic.Name}' cannot be created with replication factor {topic.ReplicationFactor}: {error.Text}", topic.Name,
            "Give a replication factor that the cluster's brokers allow (default_replication_factor, -ReplicationFactor)."),
        ErrorCode.InvalidConfig => ErrorIds.TopicCreation.With(
            $"Topic '{topic.Name}' cannot be created: {error.Text}", topic.Name,
            "Give the setting that the message names another value, or an empty one to leave it to the brokers (topic_config_overrides, -TopicConfig), or create the topic by hand."),
        ErrorCode.PolicyViolation or ErrorCode.InvalidPartitions or ErrorCode.TopicException => ErrorIds.TopicCreation.With(
            $"Topic '{topic.Name}' cannot be created: {error.Text}", topic.Name, "Change what the message names (topic_config_overrides, -TopicConfig), or create the topic by hand."),
        ErrorCode.TopicAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed => ErrorIds.ClusterUnauthorized.With(
            $"Topic '{topic.Name}' cannot be created: this user may not create topics.", topic.Name, "Grant this user Create on the cluster or the topic, or create the topic by hand."),
        _ => admin.Explain(error, $"Creating topic '{topic.Name}'", topic.Name),
    };
}
