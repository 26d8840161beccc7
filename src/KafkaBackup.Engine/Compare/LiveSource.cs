using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Compare;

/// <summary>Topics of a cluster, up to the ends they had when the comparison began; producers may go on.</summary>
internal sealed class LiveSource(IKafkaCluster cluster, IsolationLevel isolation, TimeProvider clock, IEngineEvents events) : CompareSource
{
    /// <summary>
    /// There are two readers a lane, so each holds back little: enough for a batch or two while the other side is waited for.
    /// </summary>
    private readonly ReaderOptions _reading = new(isolation, QueuedBytes: 8 << 20, FetchBytes: 2 << 20);

    private IReadOnlyDictionary<string, SideTopic> _topics = new Dictionary<string, SideTopic>();
    private string? _clusterId;

    public override string Name => $"The cluster {cluster.Address}";

    public override string? ClusterId => _clusterId;

    public override IReadOnlyDictionary<string, SideTopic> Topics => _topics;

    public override async Task OpenAsync(CancellationToken cancel)
    {
        var description = await cluster.DescribeAsync(cancel).ConfigureAwait(false);
        _clusterId = description.ClusterId;
        _topics = description.Topics.Values.ToDictionary(
            t => t.Name,
            t => new SideTopic(t.Name, t.TopicId, t.Partitions.Select(p => p.Partition).Order().ToArray()),
            StringComparer.Ordinal
        );
    }

    public override async Task<IReadOnlyDictionary<TopicPartition, SidePartition>> CaptureAsync(
        IReadOnlyCollection<TopicPartition> partitions,
        CancellationToken cancel
    )
    {
        var bound = isolation == IsolationLevel.ReadCommitted ? OffsetBound.LastStable : OffsetBound.HighWatermark;
        var ends = await cluster.ListOffsetsAsync(partitions, bound, cancel).ConfigureAwait(false);
        var starts = await cluster.ListOffsetsAsync(partitions, OffsetBound.Earliest, cancel).ConfigureAwait(false);
        return partitions.ToDictionary(
            p => p,
            p => new SidePartition(p, starts[p].Offset ?? 0, ends[p].Offset ?? 0, starts[p].Error ?? ends[p].Error)
        );
    }

    public override SideReader OpenReader() => new Reader(new RangeReader(cluster, _reading, clock, events));

    public override ValueTask DisposeAsync() => cluster.DisposeAsync();

    private sealed class Reader(RangeReader reader) : SideReader
    {
        public override void Read(SidePartition partition, long from, bool mayBeginLater, RecordTaker taker, CancellationToken cancel) =>
            reader.Read(
                partition.Id,
                Math.Max(from, partition.Start),
                partition.End,
                mayBeginLater ? DeletedRecords.PassAtStart : DeletedRecords.Refuse,
                taker.Take,
                cancel
            );

        public override void Dispose() => reader.Dispose();
    }
}
