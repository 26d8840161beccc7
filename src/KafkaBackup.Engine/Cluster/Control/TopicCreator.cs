using System.Diagnostics;
using KafkaBackup.Engine.Cluster.Native;
using ErrorCode = Confluent.Kafka.ErrorCode;

namespace KafkaBackup.Engine.Cluster;

/// <summary>Makes topics, many in a request; asks beforehand which the cluster would refuse.</summary>
internal sealed class TopicCreator(AdminClient admin, TopicAdmin topics, OffsetLookup offsets)
{
    /// <summary>
    /// Brokers need a while for each partition, and have to be done within one request's time; some refuse requests for very many.
    /// </summary>
    private const int PartitionsPerRequest = 500;

    /// <summary>Without another topic that can be used.</summary>
    private static readonly TimeSpan LeaderBudget = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan DeletionBudget = TimeSpan.FromSeconds(10);

    /// <returns>By topic, what the cluster says against it; nothing of those that it would create.</returns>
    public async Task<IReadOnlyDictionary<string, TopicRefusal>> FindRefusalsAsync(
        IReadOnlyCollection<NewTopic> wanted,
        CancellationToken cancel
    )
    {
        var refusals = new Dictionary<string, TopicRefusal>(StringComparer.Ordinal);
        foreach (var chunk in Chunks(wanted))
        {
            var errors = await AskAsync(chunk, cancel).ConfigureAwait(false);
            foreach (var topic in chunk.Where(topic => errors.TryGetValue(topic.Name, out var error) && !KafkaErrors.IsPassing(error.Code)))
            {
                refusals[topic.Name] = new TopicRefusal(Refusal(topic, errors[topic.Name]), IsFirm(errors[topic.Name].Code));
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

    /// <summary>A topic that was deleted a moment ago does not show any more, but still exists for a while: that is waited out.</summary>
    private async Task<IReadOnlyDictionary<string, NativeError>> AskAsync(NewTopic[] chunk, CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var errors = await admin
                .CallAsync(
                    TopicRequests.Create(chunk, validateOnly: true),
                    $"Asking whether {Names(chunk)} can be created",
                    Names(chunk),
                    cancel
                )
                .ConfigureAwait(false);
            if (
                errors.Values.All(error => error.Code != ErrorCode.TopicAlreadyExists)
                || Stopwatch.GetElapsedTime(started) > DeletionBudget
            )
            {
                return errors;
            }

            await AdminClient.PauseAsync(cancel).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// What took the brokers too long is asked for again: if it exists then, it is ours, its answer came late or got lost. A topic that
    /// exists but does not show is about to be deleted, which is waited out. Any other that exists was made by somebody else, and nobody
    /// has looked at it.
    /// </summary>
    private async Task CreateChunkAsync(NewTopic[] wanted, CancellationToken cancel)
    {
        var mayBeOurs = new HashSet<string>(StringComparer.Ordinal);
        var started = Stopwatch.GetTimestamp();
        for (var attempt = 0; wanted.Length > 0; attempt++)
        {
            if (attempt > 0)
            {
                await admin.LookAgainAsync(attempt, cancel).ConfigureAwait(false);
            }

            var isFirst = mayBeOurs.Count == 0;
            var (errors, failed) = await admin
                .AskAsync(TopicRequests.Create(wanted, validateOnly: false), attempt, cancel)
                .ConfigureAwait(false);
            if (failed is { } error)
            {
                // A request that was given up took all the budget by itself, and may have been carried out.
                if (!KafkaErrors.IsPassing(error.Code) || !(isFirst || !AdminClient.OutOfBudget(started)))
                {
                    throw admin.Explain(error, $"Creating {Names(wanted)}", Names(wanted));
                }

                mayBeOurs.UnionWith(wanted.Select(topic => topic.Name));
                started = isFirst ? Stopwatch.GetTimestamp() : started;
                continue;
            }

            var existing = wanted
                .Where(topic => errors!.TryGetValue(topic.Name, out var refusal) && refusal.Code == ErrorCode.TopicAlreadyExists)
                .Select(topic => topic.Name)
                .ToArray();
            var shown = await topics.DescribeTopicsAsync(existing, cancel).ConfigureAwait(false);
            mayBeOurs.UnionWith(errors!.Where(e => e.Value.Code == ErrorCode.RequestTimedOut).Select(e => e.Key));
            wanted = wanted
                .Where(topic => errors!.ContainsKey(topic.Name) && !(shown.ContainsKey(topic.Name) && mayBeOurs.Contains(topic.Name)))
                .ToArray();
            if (
                wanted.FirstOrDefault(topic =>
                    !Passes(errors![topic.Name].Code, shown.ContainsKey(topic.Name)) || AdminClient.OutOfBudget(started)
                ) is
                { } refused
            )
            {
                throw Refusal(refused, errors![refused.Name]);
            }
        }

        static bool Passes(ErrorCode code, bool isShown) => code == ErrorCode.TopicAlreadyExists ? !isShown : KafkaErrors.IsPassing(code);
    }

    private static string Names(NewTopic[] topics) => topics.Length == 1 ? $"topic '{topics[0].Name}'" : $"{topics.Length} topics";

    private async Task WaitUntilUsableAsync(Dictionary<string, NewTopic> waiting, CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var details = await topics.DescribeTopicsAsync(waiting.Keys.ToArray(), cancel).ConfigureAwait(false);
            var led = details
                .Values.Where(topic =>
                    topic.Leaders.Count > 0
                    && topic.Leaders.All(leader => leader >= 0)
                    && (waiting[topic.Name].Partitions < 0 || topic.Leaders.Count == waiting[topic.Name].Partitions)
                )
                .ToArray();
            var partitions = led.SelectMany(topic =>
                    Enumerable.Range(0, topic.Leaders.Count).Select(partition => new TopicPartition(topic.Name, partition))
                )
                .ToArray();
            var answers = await offsets.ListAsync(partitions, OffsetBound.HighWatermark, cancel).ConfigureAwait(false);
            if (partitions.FirstOrDefault(partition => answers[partition] is { Error: null, Offset: > 0 }) is { } filled)
            {
                throw ErrorIds.TopicCreation.With(
                    $"Topic '{filled.Topic}' holds records as soon as it is there: somebody is producing to it.",
                    filled.Topic,
                    "Stop the producers, or restore to another topic (topic_mapping, -TopicMap)."
                );
            }

            var failing = partitions
                .Where(partition => answers[partition].Error is not null)
                .Select(partition => partition.Topic)
                .ToHashSet(StringComparer.Ordinal);
            foreach (var topic in led.Where(topic => !failing.Contains(topic.Name)))
            {
                waiting.Remove(topic.Name);
                started = Stopwatch.GetTimestamp();
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
                    first,
                    details.ContainsKey(first)
                        ? "Check that enough brokers are up, then run again."
                        : "It does not show: grant this user Describe on it, then run again."
                );
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

    /// <summary>Others are trouble of the moment, or of a server that does not understand the question.</summary>
    private static bool IsFirm(ErrorCode code) =>
        code
            is ErrorCode.TopicAlreadyExists
                or ErrorCode.InvalidReplicationFactor
                or ErrorCode.InvalidConfig
                or ErrorCode.PolicyViolation
                or ErrorCode.InvalidPartitions
                or ErrorCode.TopicException
                or ErrorCode.TopicAuthorizationFailed
                or ErrorCode.ClusterAuthorizationFailed;

    private KafkaBackupException Refusal(NewTopic topic, NativeError error)
    {
        var advice = error.Code switch
        {
            ErrorCode.TopicAlreadyExists =>
                "If it was made or deleted just now, run again; if it has been there for long, this user needs Describe to see it; or use another name (topic_mapping, -TopicMap).",
            ErrorCode.InvalidReplicationFactor =>
                "Give a replication factor that the cluster's brokers allow (default_replication_factor, -ReplicationFactor).",
            ErrorCode.InvalidConfig =>
                "Give the setting that the message names another value, or an empty one to leave it to the brokers (topic_config_overrides, -TopicConfig), or create the topic by hand.",
            ErrorCode.PolicyViolation =>
                "Do as the cluster's policy says: -ReplicationFactor, or -TopicConfig, where an empty value leaves a setting to the brokers; or create the topic by hand.",
            ErrorCode.InvalidPartitions => "Create the topic by hand, with as many partitions as the backup has.",
            ErrorCode.TopicException => "Use another name (topic_mapping, -TopicMap).",
            _ => null,
        };
        return advice is not null ? ErrorIds.TopicCreation.With($"Topic '{topic.Name}' cannot be created: {error.Text}", topic.Name, advice)
            : error.Code is ErrorCode.TopicAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed
                ? ErrorIds.ClusterUnauthorized.With(
                    $"Topic '{topic.Name}' cannot be created: this user may not create topics.",
                    topic.Name,
                    "Grant this user Create on the cluster or the topic, or create the topic by hand."
                )
            : admin.Explain(error, $"Creating topic '{topic.Name}'", topic.Name);
    }
}
