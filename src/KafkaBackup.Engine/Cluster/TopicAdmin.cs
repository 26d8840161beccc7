using System.Diagnostics;
using KafkaBackup.Engine.Cluster.Native;
using ErrorCode = Confluent.Kafka.ErrorCode;

namespace KafkaBackup.Engine.Cluster;

/// <summary>What is there and how it is configured: brokers, topics, configs; and making and removing topics and records.</summary>
internal sealed class TopicAdmin(AdminClient admin)
{
    /// <summary>Topics per request for ids: keeps requests and answers well below what brokers accept.</summary>
    private const int TopicsPerRequest = 1_000;

    private static readonly TimeSpan CreationBudget = TimeSpan.FromSeconds(60);

    public async Task<ClusterDescription> DescribeAsync(CancellationToken cancel)
    {
        var (cluster, error) = await admin.BlockingAsync(TopicRequests.Metadata, cancel).ConfigureAwait(false);
        if (error is { } failed)
        {
            throw admin.Explain(failed, "Describing the cluster", admin.Address);
        }

        var details = await DescribeTopicsAsync(cluster!.Topics.Keys.ToArray(), cancel).ConfigureAwait(false);
        var topics = cluster.Topics.Values.ToDictionary(
            topic => topic.Name,
            topic => details.TryGetValue(topic.Name, out var detail) ? topic with { TopicId = detail.TopicId, IsInternal = topic.IsInternal || detail.IsInternal } : topic,
            StringComparer.Ordinal);
        return cluster with { Topics = topics };
    }

    public async Task<IReadOnlyDictionary<string, IReadOnlyList<TopicConfig>>> DescribeConfigsAsync(IReadOnlyCollection<string> topics, CancellationToken cancel)
    {
        var all = new Dictionary<string, IReadOnlyList<TopicConfig>>(StringComparer.Ordinal);
        foreach (var chunk in topics.Distinct(StringComparer.Ordinal).Chunk(TopicsPerRequest))
        {
            var answers = await admin.CallAsync(
                TopicRequests.DescribeConfigs(chunk), "Reading topic configurations", chunk.Length == 1 ? chunk[0] : $"{chunk.Length} topics", cancel).ConfigureAwait(false);
            foreach (var (name, configs, error) in answers)
            {
                all[name] = error is { } failed ? throw admin.Explain(failed, $"Reading the configuration of topic '{name}'", name) : configs;
            }
        }

        return all;
    }

    public async Task CreateAsync(NewTopic topic, OffsetLookup offsets, CancellationToken cancel)
    {
        var errors = await admin.CallAsync(TopicRequests.Create(topic), $"Creating topic '{topic.Name}'", topic.Name, cancel).ConfigureAwait(false);
        if (errors is [{ } error, ..])
        {
            throw CreationFailed(topic, error);
        }

        await WaitUntilUsableAsync(topic, offsets, cancel).ConfigureAwait(false);
    }

    public async Task DeleteAsync(string topic, CancellationToken cancel)
    {
        var errors = await admin.CallAsync(TopicRequests.Delete(topic), $"Deleting topic '{topic}'", topic, cancel).ConfigureAwait(false);
        if (errors is [{ } error, ..])
        {
            throw admin.Explain(error, $"Deleting topic '{topic}'", topic);
        }
    }

    public async Task DeleteRecordsAsync(IReadOnlyDictionary<TopicPartition, long> beforeOffsets, CancellationToken cancel)
    {
        if (beforeOffsets.Count == 0)
        {
            return;
        }

        var errors = await admin.CallAsync(
            TopicRequests.DeleteRecords(beforeOffsets), "Deleting records", $"{beforeOffsets.Count} partitions", cancel).ConfigureAwait(false);
        if (errors.Count > 0)
        {
            throw admin.Explain(errors[0].Error, $"Deleting records of {errors[0].Partition}", errors[0].Partition);
        }
    }

    /// <summary>Ids and leaders; empty where a topic is unknown. Topics that fail one by one are left out: the metadata has said why already.</summary>
    private async Task<Dictionary<string, TopicDetail>> DescribeTopicsAsync(string[] names, CancellationToken cancel)
    {
        var all = new Dictionary<string, TopicDetail>(StringComparer.Ordinal);
        foreach (var chunk in names.Chunk(TopicsPerRequest))
        {
            var answers = await admin.CallAsync(
                TopicRequests.Describe(chunk), "Describing topics", chunk.Length == 1 ? chunk[0] : $"{chunk.Length} topics", cancel).ConfigureAwait(false);
            foreach (var detail in answers)
            {
                all[detail.Name] = detail;
            }
        }

        return all;
    }

    private async Task WaitUntilUsableAsync(NewTopic topic, OffsetLookup offsets, CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var details = await DescribeTopicsAsync([topic.Name], cancel).ConfigureAwait(false);
            if (details.TryGetValue(topic.Name, out var detail) && detail.Leaders.Count > 0 && detail.Leaders.All(leader => leader >= 0)
                && (topic.Partitions < 0 || detail.Leaders.Count == topic.Partitions))
            {
                var partitions = Enumerable.Range(0, detail.Leaders.Count).Select(partition => new TopicPartition(topic.Name, partition)).ToArray();
                var answers = await offsets.ListAsync(partitions, OffsetBound.HighWatermark, cancel).ConfigureAwait(false);
                if (answers.Values.All(answer => answer.Error is null))
                {
                    return;
                }
            }

            if (Stopwatch.GetElapsedTime(started) > CreationBudget)
            {
                throw ErrorIds.TopicCreation.With(
                    $"Topic '{topic.Name}' was created, but not all of its partitions had a leader after {CreationBudget.TotalSeconds:0} seconds.", topic.Name, "Check that enough brokers are up, then run again.");
            }

            await AdminClient.PauseAsync(cancel).ConfigureAwait(false);
        }
    }

    private KafkaBackupException CreationFailed(NewTopic topic, NativeError error) => error.Code switch
    {
        ErrorCode.TopicAlreadyExists => ErrorIds.TopicCreation.With($"Topic '{topic.Name}' cannot be created: it exists already.", topic.Name, "Use the existing topic, or another name."),
        ErrorCode.InvalidReplicationFactor => ErrorIds.TopicCreation.With(
            $"Topic '{topic.Name}' cannot be created with replication factor {topic.ReplicationFactor}: {error.Text}", topic.Name, "Give a default_replication_factor that the cluster's brokers allow."),
        ErrorCode.InvalidConfig or ErrorCode.PolicyViolation or ErrorCode.InvalidPartitions or ErrorCode.TopicException =>
            ErrorIds.TopicCreation.With($"Topic '{topic.Name}' cannot be created: {error.Text}", topic.Name, "Change what the message names (topic_config_overrides), or create the topic by hand."),
        ErrorCode.TopicAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed => ErrorIds.ClusterUnauthorized.With(
            $"Topic '{topic.Name}' cannot be created: this user may not create topics.", topic.Name, "Grant this user Create on the cluster or the topic, or create the topic by hand."),
        _ => admin.Explain(error, $"Creating topic '{topic.Name}'", topic.Name),
    };
}
