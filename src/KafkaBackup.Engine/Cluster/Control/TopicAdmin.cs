using KafkaBackup.Engine.Cluster.Native;
using ErrorCode = Confluent.Kafka.ErrorCode;

namespace KafkaBackup.Engine.Cluster;

/// <summary>What is there and how it is configured: brokers, topics, configs; and removing topics and records.</summary>
internal sealed class TopicAdmin(AdminClient admin)
{
    /// <summary>Topics per request for ids: keeps requests and answers well below what brokers accept.</summary>
    private const int TopicsPerRequest = 1_000;

    public async Task<ClusterDescription> DescribeAsync(CancellationToken cancel)
    {
        var (cluster, error) = await admin.BlockingAsync(MetadataRequest.Ask, cancel).ConfigureAwait(false);
        if (error is { } failed)
        {
            throw admin.Explain(failed, "Describing the cluster", admin.Address);
        }

        var details = await DescribeTopicsAsync(cluster!.Topics.Keys.ToArray(), cancel).ConfigureAwait(false);
        var topics = cluster.Topics.Values.ToDictionary(
            topic => topic.Name,
            topic =>
                details.TryGetValue(topic.Name, out var detail)
                    ? topic with
                    {
                        TopicId = detail.TopicId,
                        IsInternal = topic.IsInternal || detail.IsInternal,
                    }
                    : topic,
            StringComparer.Ordinal
        );
        return cluster with { Topics = topics };
    }

    public async Task<IReadOnlyDictionary<string, IReadOnlyList<TopicConfig>>> DescribeConfigsAsync(
        IReadOnlyCollection<string> topics,
        CancellationToken cancel
    )
    {
        var all = new Dictionary<string, IReadOnlyList<TopicConfig>>(StringComparer.Ordinal);
        foreach (var chunk in topics.Distinct(StringComparer.Ordinal).Chunk(TopicsPerRequest))
        {
            var answers = await admin
                .CallAsync(
                    TopicRequests.DescribeConfigs(chunk),
                    "Reading topic configurations",
                    chunk.Length == 1 ? chunk[0] : $"{chunk.Length} topics",
                    cancel
                )
                .ConfigureAwait(false);
            foreach (var (name, configs, error) in answers)
            {
                all[name] = error is { } failed ? throw Unreadable(failed, name) : configs;
            }
        }

        return all;
    }

    public async Task<IReadOnlyDictionary<string, TopicRights>> ListRightsAsync(
        IReadOnlyCollection<string> topics,
        CancellationToken cancel
    )
    {
        var details = await DescribeTopicsAsync(topics.ToArray(), cancel, withRights: true).ConfigureAwait(false);
        return details
            .Values.Where(topic => topic.Rights is not null)
            .ToDictionary(topic => topic.Name, topic => topic.Rights!, StringComparer.Ordinal);
    }

    public async Task DeleteAsync(string topic, CancellationToken cancel)
    {
        var errors = await admin.CallAsync(TopicRequests.Delete(topic), $"Deleting topic '{topic}'", topic, cancel).ConfigureAwait(false);
        if (errors.TryGetValue(topic, out var error))
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

        var errors = await admin
            .CallAsync(TopicRequests.DeleteRecords(beforeOffsets), "Deleting records", $"{beforeOffsets.Count} partitions", cancel)
            .ConfigureAwait(false);
        if (errors.Count > 0)
        {
            throw admin.Explain(errors[0].Error, $"Deleting records of {errors[0].Partition}", errors[0].Partition);
        }
    }

    private KafkaBackupException Unreadable(NativeError error, string topic) =>
        error.Code == ErrorCode.TopicAuthorizationFailed
            ? ErrorIds.ClusterUnauthorized.With(
                $"Reading the configuration of topic '{topic}' failed: this user has no right to it.",
                topic,
                "Grant this user DescribeConfigs on the topic; Describe does not include it."
            )
            : admin.Explain(error, $"Reading the configuration of topic '{topic}'", topic);

    /// <summary>
    /// Ids and leaders; empty where a topic is unknown. Topics that fail one by one are left out: the metadata has said why already.
    /// </summary>
    public async Task<Dictionary<string, TopicDetail>> DescribeTopicsAsync(
        string[] names,
        CancellationToken cancel,
        bool withRights = false
    )
    {
        var all = new Dictionary<string, TopicDetail>(StringComparer.Ordinal);
        foreach (var chunk in names.Chunk(TopicsPerRequest))
        {
            var answers = await admin
                .CallAsync(
                    TopicRequests.Describe(chunk, withRights),
                    "Describing topics",
                    chunk.Length == 1 ? chunk[0] : $"{chunk.Length} topics",
                    cancel
                )
                .ConfigureAwait(false);
            foreach (var detail in answers)
            {
                all[detail.Name] = detail;
            }
        }

        return all;
    }
}
