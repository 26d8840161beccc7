using KafkaBackup.Engine.Cluster.Native;

namespace KafkaBackup.Engine.Cluster;

/// <summary>A real cluster, through the client library. Nothing is contacted before the first request.</summary>
internal sealed class KafkaCluster : IKafkaCluster
{
    private static readonly TimeSpan DefaultConnectTimeout = TimeSpan.FromSeconds(10);

    private readonly ClientConfiguration _configuration;
    private readonly IEngineEvents _events;
    private readonly AdminClient _admin;
    private readonly TopicAdmin _topics;
    private readonly OffsetLookup _offsets;
    private readonly TopicCreator _creator;
    private readonly GroupAdmin _groups;
    private readonly WireConnections _connections;
    private readonly NativeHeap _heap = new();

    private KafkaCluster(ClientConfiguration configuration, IEngineEvents events, TimeSpan connectTimeout)
    {
        _configuration = configuration;
        _events = events;
        _connections = new WireConnections(configuration, events);
        _admin = OpenAdmin();
        _topics = new TopicAdmin(_admin);
        _offsets = new OffsetLookup(_admin);
        _creator = new TopicCreator(_admin, _topics, _offsets);
        _groups = new GroupAdmin(_admin, OpenAdmin);

        AdminClient OpenAdmin(string? group = null) =>
            new(KafkaClient.Open(configuration, events, group is null ? [] : [new("group.id", group)]), connectTimeout);
    }

    public string Address => _configuration.Address;

    /// <summary>Checks the settings as far as that is possible without the cluster.</summary>
    /// <param name="connectTimeout">How long the first request waits for any broker to answer; null for ten seconds.</param>
    public static KafkaCluster Connect(ClusterSettings settings, IEngineEvents events, TimeSpan? connectTimeout = null) =>
        new(new ClientConfiguration(settings), events, connectTimeout ?? DefaultConnectTimeout);

    public Task<ClusterDescription> DescribeAsync(CancellationToken cancel) => _topics.DescribeAsync(cancel);

    public Task<IReadOnlyDictionary<string, IReadOnlyList<TopicConfig>>> DescribeConfigsAsync(
        IReadOnlyCollection<string> topics,
        CancellationToken cancel
    ) => _topics.DescribeConfigsAsync(topics, cancel);

    public Task<IReadOnlyDictionary<string, TopicRights>> ListRightsAsync(IReadOnlyCollection<string> topics, CancellationToken cancel) =>
        _topics.ListRightsAsync(topics, cancel);

    public Task<IReadOnlyDictionary<TopicPartition, OffsetAnswer>> ListOffsetsAsync(
        IReadOnlyCollection<TopicPartition> partitions,
        OffsetBound bound,
        CancellationToken cancel
    ) => _offsets.ListAsync(partitions, bound, cancel);

    public Task<IReadOnlyDictionary<TopicPartition, OffsetAnswer>> FindOffsetsByTimeAsync(
        IReadOnlyDictionary<TopicPartition, long> times,
        IsolationLevel isolation,
        CancellationToken cancel
    ) => _offsets.FindByTimeAsync(times, isolation, cancel);

    public Task<IReadOnlyDictionary<string, TopicRefusal>> FindTopicRefusalsAsync(
        IReadOnlyCollection<NewTopic> topics,
        CancellationToken cancel
    ) => _creator.FindRefusalsAsync(topics, cancel);

    public Task CreateTopicsAsync(IReadOnlyCollection<NewTopic> topics, CancellationToken cancel) => _creator.CreateAsync(topics, cancel);

    public Task DeleteTopicAsync(string topic, CancellationToken cancel) => _topics.DeleteAsync(topic, cancel);

    public Task DeleteRecordsAsync(IReadOnlyDictionary<TopicPartition, long> beforeOffsets, CancellationToken cancel) =>
        _topics.DeleteRecordsAsync(beforeOffsets, cancel);

    public Task<GroupListing> ListGroupsAsync(TimeSpan patience, CancellationToken cancel) => _groups.ListAsync(patience, cancel);

    public Task<IReadOnlyDictionary<string, GroupState>> DescribeGroupsAsync(
        IReadOnlyCollection<string> groups,
        CancellationToken cancel
    ) => _groups.DescribeAsync(groups, cancel);

    public Task<IReadOnlyList<GroupOffset>> ListGroupOffsetsAsync(string group, bool requireStable, CancellationToken cancel) =>
        _groups.ListOffsetsAsync(group, null, requireStable, cancel);

    public Task<IReadOnlyList<GroupOffset>> ListGroupOffsetsAsync(
        string group,
        IReadOnlyCollection<TopicPartition> only,
        bool requireStable,
        CancellationToken cancel
    ) => _groups.ListOffsetsAsync(group, only, requireStable, cancel);

    public Task AlterGroupOffsetsAsync(string group, IReadOnlyCollection<GroupOffset> offsets, CancellationToken cancel) =>
        _groups.AlterOffsetsAsync(group, offsets, cancel);

    public Task DeleteGroupOffsetsAsync(string group, IReadOnlyCollection<TopicPartition> partitions, CancellationToken cancel) =>
        _groups.DeleteOffsetsAsync(group, partitions, cancel);

    public Task<long> NewProducerIdAsync(CancellationToken cancel) => new ProducerSequences(_connections).NewIdAsync(cancel);

    public Task<IReadOnlySet<TopicPartition>> FindGuardedAsync(
        IReadOnlyDictionary<TopicPartition, PartitionSequence> sequences,
        CancellationToken cancel
    ) => new ProducerSequences(_connections).FindGuardedAsync(sequences, cancel);

    public IRecordReader OpenReader(ReaderOptions options) => new RecordReader(OpenBatchReader(options), options.Isolation);

    public IBatchReader OpenBatchReader(ReaderOptions options) => new WireBatchReader(_connections, options);

    public IRecordWriter OpenWriter(WriterOptions options) => new WireRecordWriter(_connections, options);

    public async ValueTask DisposeAsync()
    {
        await _connections.DisposeAsync().ConfigureAwait(false);
        await Task.Run(() =>
            {
                _groups.Dispose();
                _admin.Dispose();
                _heap.Dispose();
            })
            .ConfigureAwait(false);
    }
}
