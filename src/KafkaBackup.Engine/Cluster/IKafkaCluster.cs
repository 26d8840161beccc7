namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// The one seam to Kafka. Failures are KafkaBackupExceptions: unreachable, authentication, TLS, unauthorised, request failed, in a user's
/// words. Members may be called from several threads; readers and writers belong to the thread that polls them.
/// </summary>
public interface IKafkaCluster : IAsyncDisposable
{
    /// <summary>The bootstrap addresses, for messages.</summary>
    string Address { get; }

    /// <summary>Cluster id, brokers and all topics with their partitions, in one look.</summary>
    Task<ClusterDescription> DescribeAsync(CancellationToken cancel);

    /// <summary>Every config of the topics named, with where each value comes from.</summary>
    Task<IReadOnlyDictionary<string, IReadOnlyList<TopicConfig>>> DescribeConfigsAsync(
        IReadOnlyCollection<string> topics,
        CancellationToken cancel
    );

    /// <summary>What this user may do with topics; those are left out of which the cluster does not say it.</summary>
    Task<IReadOnlyDictionary<string, TopicRights>> ListRightsAsync(IReadOnlyCollection<string> topics, CancellationToken cancel);

    /// <summary>One bound of many partitions, in few requests. A partition that fails has its error in its answer.</summary>
    Task<IReadOnlyDictionary<TopicPartition, OffsetAnswer>> ListOffsetsAsync(
        IReadOnlyCollection<TopicPartition> partitions,
        OffsetBound bound,
        CancellationToken cancel
    );

    /// <summary>Per partition the first offset stamped at or after the time (epoch ms); null offset when there is none.</summary>
    Task<IReadOnlyDictionary<TopicPartition, OffsetAnswer>> FindOffsetsByTimeAsync(
        IReadOnlyDictionary<TopicPartition, long> times,
        IsolationLevel isolation,
        CancellationToken cancel
    );

    /// <summary>What the cluster says against creating topics like these, of those that it would not create. Creates nothing.</summary>
    Task<IReadOnlyDictionary<string, TopicRefusal>> FindTopicRefusalsAsync(IReadOnlyCollection<NewTopic> topics, CancellationToken cancel);

    /// <summary>Creates topics and waits until all their partitions have leaders and can be written.</summary>
    Task CreateTopicsAsync(IReadOnlyCollection<NewTopic> topics, CancellationToken cancel);

    Task DeleteTopicAsync(string topic, CancellationToken cancel);

    /// <summary>Deletes everything before the offset given per partition (-1: to the end).</summary>
    Task DeleteRecordsAsync(IReadOnlyDictionary<TopicPartition, long> beforeOffsets, CancellationToken cancel);

    /// <summary>
    /// The groups that all brokers together know. Asks again while something is missing that may come, for as long as the patience lasts.
    /// </summary>
    Task<GroupListing> ListGroupsAsync(TimeSpan patience, CancellationToken cancel);

    /// <summary>State of each group: Empty, Stable, Dead (unknown groups are Dead), ...; and how many members it has.</summary>
    Task<IReadOnlyDictionary<string, GroupState>> DescribeGroupsAsync(IReadOnlyCollection<string> groups, CancellationToken cancel);

    /// <summary>All committed offsets of a group, with metadata; only stable ones when asked (waits for pending transactions).</summary>
    Task<IReadOnlyList<GroupOffset>> ListGroupOffsetsAsync(string group, bool requireStable, CancellationToken cancel);

    /// <summary>The same, of some partitions; what has no committed offset is left out.</summary>
    Task<IReadOnlyList<GroupOffset>> ListGroupOffsetsAsync(
        string group,
        IReadOnlyCollection<TopicPartition> only,
        bool requireStable,
        CancellationToken cancel
    );

    /// <summary>Commits offsets with metadata for a group without members.</summary>
    Task AlterGroupOffsetsAsync(string group, IReadOnlyCollection<GroupOffset> offsets, CancellationToken cancel);

    /// <summary>Removes committed offsets of a group without members.</summary>
    Task DeleteGroupOffsetsAsync(string group, IReadOnlyCollection<TopicPartition> partitions, CancellationToken cancel);

    /// <summary>A producer id that nobody has used, for a sequence that outlives this process.</summary>
    Task<long> NewProducerIdAsync(CancellationToken cancel);

    /// <summary>
    /// Of these partitions, those whose leader is sure to refuse whatever is not the next batch of the sequence (rule L6). The others have
    /// forgotten the producer, may soon forget it, or do not say.
    /// </summary>
    Task<IReadOnlySet<TopicPartition>> FindGuardedAsync(
        IReadOnlyDictionary<TopicPartition, PartitionSequence> sequences,
        CancellationToken cancel
    );

    IRecordReader OpenReader(ReaderOptions options);

    IBatchReader OpenBatchReader(ReaderOptions options);

    IRecordWriter OpenWriter(WriterOptions options);
}

public sealed record ClusterDescription(
    string? ClusterId,
    IReadOnlyList<int> Brokers,
    IReadOnlyDictionary<string, TopicDescription> Topics
);

/// <param name="TopicId">Null where the broker gives none (before Kafka 2.8 or 3.1).</param>
/// <param name="ErrorMessage">Set when the broker did not let us see this topic.</param>
public sealed record TopicDescription(
    string Name,
    string? TopicId,
    bool IsInternal,
    int ReplicationFactor,
    IReadOnlyList<PartitionDescription> Partitions,
    string? ErrorMessage = null
);

/// <param name="Leader">-1 while there is none.</param>
public sealed record PartitionDescription(int Partition, int Leader, int LeaderEpoch = -1);

/// <param name="IsDefault">True for a value that comes from the broker's defaults, not from the topic.</param>
public sealed record TopicConfig(string Name, string? Value, bool IsDefault, bool IsSensitive, bool IsReadOnly);

/// <param name="IsFirm">The cluster knows why not; else it may only have had trouble with the question.</param>
public sealed record TopicRefusal(KafkaBackupException Reason, bool IsFirm);

/// <param name="Delete">Delete the topic or records of it.</param>
public sealed record TopicRights(bool Read, bool Write, bool Delete, bool DescribeConfigs);

public enum OffsetBound
{
    Earliest,
    HighWatermark,
    LastStable,
}

/// <param name="LeaderEpoch">-1 where not known.</param>
public sealed record OffsetAnswer(long? Offset, long Timestamp, int LeaderEpoch, KafkaBackupException? Error = null);

public sealed record NewTopic(string Name, int Partitions, int ReplicationFactor, IReadOnlyDictionary<string, string> Configs);

/// <param name="Groups">In order of their names.</param>
/// <param name="Missing">Set when a broker did not answer, or had no answer yet: it may know more groups.</param>
public sealed record GroupListing(IReadOnlyList<string> Groups, KafkaBackupException? Missing = null);

public sealed record GroupState(string State, int MemberCount)
{
    public bool IsActive => MemberCount > 0;
}

public sealed record GroupOffset(TopicPartition Partition, long Offset, string Metadata, int LeaderEpoch = -1);
