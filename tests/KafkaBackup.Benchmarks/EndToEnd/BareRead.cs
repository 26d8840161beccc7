using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Benchmarks.EndToEnd;

/// <summary>The engine's reader alone, to nowhere: what kcat's bare read is compared with before anything is encoded or stored.</summary>
internal sealed class BareRead : IRecordSink
{
    private readonly Dictionary<int, long> _ends = [];
    private readonly HashSet<int> _reading = [];
    private long _records;
    private long _bytes;

    public static async Task<JobReport> RunAsync(string bootstrap, string topic)
    {
        await using var cluster = KafkaCluster.Connect(Job.At(bootstrap), SilentEvents.Instance);
        var described = await cluster.DescribeAsync(CancellationToken.None);
        var partitions = described.Topics[topic].Partitions.Select(p => new TopicPartition(topic, p.Partition)).ToArray();
        var ends = await cluster.ListOffsetsAsync(partitions, OffsetBound.HighWatermark, CancellationToken.None);
        return new BareRead().Read(cluster, ends.ToDictionary(e => e.Key, e => e.Value.Offset ?? 0));
    }

    public void OnRecord(int slot, in RecordView record)
    {
        _records++;
        _bytes += record.PayloadBytes;
        if (record.Offset + 1 >= _ends[slot])
            _reading.Remove(slot);
    }

    public void OnEnd(int slot, long offset)
    {
        if (offset >= _ends[slot])
            _reading.Remove(slot);
    }

    public void OnError(int slot, ReadFault fault) => throw new InvalidOperationException(fault.Message);

    public void OnClusterFault(KafkaBackupException error) => throw error;

    private JobReport Read(KafkaCluster cluster, Dictionary<TopicPartition, long> ends)
    {
        using var reader = cluster.OpenReader(new ReaderOptions(IsolationLevel.ReadCommitted, QueuedBytes: 8L << 20));
        foreach (var (partition, end) in ends.Where(e => e.Value > 0))
        {
            _ends.Add(partition.Partition, end);
            _reading.Add(partition.Partition);
            reader.Assign(partition, 0, partition.Partition);
        }

        while (_reading.Count > 0)
            reader.Poll(this);
        return new JobReport { Records = _records, Bytes = _bytes };
    }
}
