using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>A cluster that is what it wraps, but for what a test changes.</summary>
internal sealed class ClusterDouble(IKafkaCluster inner) : IKafkaCluster
{
    public Func<ClusterDescription, ClusterDescription> Description { get; init; } = d => d;

    /// <summary>As brokers before 2.8 describe their topics.</summary>
    public static ClusterDescription WithoutIds(ClusterDescription d) =>
        d with
        {
            Topics = d.Topics.ToDictionary(t => t.Key, t => t.Value with { TopicId = null }),
        };

    public Func<IRecordReader, IRecordReader> Reader { get; init; } = r => r;

    public Func<IBatchReader, IBatchReader> BatchReader { get; init; } = r => r;

    public Func<IRecordWriter, IRecordWriter> Writer { get; init; } = w => w;

    public Func<CancellationToken, Task> BeforeGroups { get; init; } = _ => Task.CompletedTask;

    public Func<IReadOnlyDictionary<string, TopicRefusal>>? Refusals { get; init; }

    public Func<IReadOnlyDictionary<string, TopicRights>>? Rights { get; init; }

    public string Address => inner.Address;

    public async Task<ClusterDescription> DescribeAsync(CancellationToken cancel) => Description(await inner.DescribeAsync(cancel));

    /// <summary>In force in every topic, whatever it says itself.</summary>
    public TopicConfig? Config { get; init; }

    public async Task<IReadOnlyDictionary<string, IReadOnlyList<TopicConfig>>> DescribeConfigsAsync(
        IReadOnlyCollection<string> topics,
        CancellationToken cancel
    )
    {
        var configs = await inner.DescribeConfigsAsync(topics, cancel);
        return Config is not { } one
            ? configs
            : configs.ToDictionary(c => c.Key, c => (IReadOnlyList<TopicConfig>)[.. c.Value.Where(v => v.Name != one.Name), one]);
    }

    public Task<IReadOnlyDictionary<string, TopicRights>> ListRightsAsync(IReadOnlyCollection<string> topics, CancellationToken cancel) =>
        Rights is { } rights ? Task.FromResult(rights()) : inner.ListRightsAsync(topics, cancel);

    public Task<IReadOnlyDictionary<TopicPartition, OffsetAnswer>> ListOffsetsAsync(
        IReadOnlyCollection<TopicPartition> partitions,
        OffsetBound bound,
        CancellationToken cancel
    ) => inner.ListOffsetsAsync(partitions, bound, cancel);

    public Task<IReadOnlyDictionary<TopicPartition, OffsetAnswer>> FindOffsetsByTimeAsync(
        IReadOnlyDictionary<TopicPartition, long> times,
        IsolationLevel isolation,
        CancellationToken cancel
    ) => inner.FindOffsetsByTimeAsync(times, isolation, cancel);

    public Task<IReadOnlyDictionary<string, TopicRefusal>> FindTopicRefusalsAsync(
        IReadOnlyCollection<NewTopic> topics,
        CancellationToken cancel
    ) => Refusals is { } refusals ? Task.FromResult(refusals()) : inner.FindTopicRefusalsAsync(topics, cancel);

    public Task CreateTopicsAsync(IReadOnlyCollection<NewTopic> topics, CancellationToken cancel) =>
        inner.CreateTopicsAsync(topics, cancel);

    public Task DeleteTopicAsync(string topic, CancellationToken cancel) => inner.DeleteTopicAsync(topic, cancel);

    public Task DeleteRecordsAsync(IReadOnlyDictionary<TopicPartition, long> beforeOffsets, CancellationToken cancel) =>
        inner.DeleteRecordsAsync(beforeOffsets, cancel);

    public async Task<GroupListing> ListGroupsAsync(TimeSpan patience, CancellationToken cancel)
    {
        await BeforeGroups(cancel);
        return await inner.ListGroupsAsync(patience, cancel);
    }

    public Task<IReadOnlyDictionary<string, GroupState>> DescribeGroupsAsync(
        IReadOnlyCollection<string> groups,
        CancellationToken cancel
    ) => inner.DescribeGroupsAsync(groups, cancel);

    public Task<IReadOnlyList<GroupOffset>> ListGroupOffsetsAsync(string group, bool requireStable, CancellationToken cancel) =>
        inner.ListGroupOffsetsAsync(group, requireStable, cancel);

    public Task<IReadOnlyList<GroupOffset>> ListGroupOffsetsAsync(
        string group,
        IReadOnlyCollection<TopicPartition> only,
        bool requireStable,
        CancellationToken cancel
    ) => inner.ListGroupOffsetsAsync(group, only, requireStable, cancel);

    public Task AlterGroupOffsetsAsync(string group, IReadOnlyCollection<GroupOffset> offsets, CancellationToken cancel) =>
        inner.AlterGroupOffsetsAsync(group, offsets, cancel);

    public Task DeleteGroupOffsetsAsync(string group, IReadOnlyCollection<TopicPartition> partitions, CancellationToken cancel) =>
        inner.DeleteGroupOffsetsAsync(group, partitions, cancel);

    public Task<long> NewProducerIdAsync(CancellationToken cancel) => inner.NewProducerIdAsync(cancel);

    public Task<IReadOnlySet<TopicPartition>> FindGuardedAsync(
        IReadOnlyDictionary<TopicPartition, PartitionSequence> sequences,
        CancellationToken cancel
    ) => inner.FindGuardedAsync(sequences, cancel);

    public IRecordReader OpenReader(ReaderOptions options) => Reader(inner.OpenReader(options));

    public IBatchReader OpenBatchReader(ReaderOptions options) => BatchReader(inner.OpenBatchReader(options));

    public IRecordWriter OpenWriter(WriterOptions options) => Writer(inner.OpenWriter(options));

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}

/// <summary>Counts how often partitions are assigned, and refuses the position as often as asked.</summary>
internal sealed class ReaderDouble(IRecordReader inner, int refusals = 0, ReadFaultKind refusal = ReadFaultKind.OutOfRange) : IRecordReader
{
    private readonly HashSet<int> _refused = [];

    public int Assignments { get; private set; }

    public void Assign(TopicPartition partition, long offset, int slot)
    {
        if (++Assignments <= refusals)
        {
            _refused.Add(slot);
        }
        else
        {
            inner.Assign(partition, offset, slot);
        }
    }

    public void Remove(int slot) => inner.Remove(slot);

    public int Poll(IRecordSink sink, int maxRecords = int.MaxValue)
    {
        foreach (var slot in _refused)
        {
            sink.OnError(slot, new ReadFault(refusal, -1, "REFUSED", "refused"));
        }

        _refused.Clear();
        return inner.Poll(sink, maxRecords);
    }

    public long? Position(int slot) => Assignments > refusals ? inner.Position(slot) : null;

    public void Dispose() => inner.Dispose();
}

/// <summary>The same for batches.</summary>
internal sealed class BatchReaderDouble(IBatchReader inner, int refusals = 0, ReadFaultKind refusal = ReadFaultKind.OutOfRange)
    : IBatchReader
{
    private readonly HashSet<int> _refused = [];

    public int Assignments { get; private set; }

    public void Assign(TopicPartition partition, long offset, int slot)
    {
        if (++Assignments <= refusals)
        {
            _refused.Add(slot);
        }
        else
        {
            inner.Assign(partition, offset, slot);
        }
    }

    public void Remove(int slot)
    {
        _refused.Remove(slot);
        inner.Remove(slot);
    }

    public long Poll(IBatchSink sink, long maxBytes = long.MaxValue)
    {
        foreach (var slot in _refused.ToArray())
        {
            sink.OnError(slot, new ReadFault(refusal, -1, "REFUSED", "refused"));
        }

        _refused.Clear();
        return inner.Poll(sink, maxBytes);
    }

    public void Dispose() => inner.Dispose();
}

/// <summary>Time that goes by many times as fast: what takes minutes to give up is seen in seconds.</summary>
internal sealed class FastClock(int times) : TimeProvider
{
    private readonly long _begin = System.GetTimestamp();

    public override long GetTimestamp() => _begin + ((System.GetTimestamp() - _begin) * times);
}

/// <summary>Gives so many batches, one at a time; then something happens, and it gives nothing for a while.</summary>
internal sealed class FallingSilent(IBatchReader inner, int after, Action meanwhile, TimeSpan silence) : IBatchReader
{
    private int _left = after;
    private long _until;

    public void Assign(TopicPartition partition, long offset, int slot) => inner.Assign(partition, offset, slot);

    public void Remove(int slot) => inner.Remove(slot);

    public long Poll(IBatchSink sink, long maxBytes = long.MaxValue)
    {
        if (_left > 0)
        {
            var given = inner.Poll(sink, 1);
            _left -= given > 0 ? 1 : 0;
            return given;
        }

        if (_until == 0)
        {
            meanwhile();
            _until = Environment.TickCount64 + (long)silence.TotalMilliseconds;
        }

        if (Environment.TickCount64 < _until)
        {
            Thread.Sleep(5);
            return 0;
        }

        return inner.Poll(sink, maxBytes);
    }

    public void Dispose() => inner.Dispose();
}
