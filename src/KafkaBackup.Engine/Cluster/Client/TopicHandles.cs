using KafkaBackup.Engine.Cluster.Native;

namespace KafkaBackup.Engine.Cluster;

/// <summary>The library's topic objects that one client uses, each shared by its partitions and given up with the last of them.</summary>
internal sealed class TopicHandles(nint client) : IDisposable
{
    private readonly Dictionary<string, (nint Handle, int Users)> _handles = new(StringComparer.Ordinal);

    public nint Acquire(string topic)
    {
        if (_handles.TryGetValue(topic, out var entry))
        {
            _handles[topic] = entry with { Users = entry.Users + 1 };
            return entry.Handle;
        }

        var handle = LibRdKafka.rd_kafka_topic_new(client, topic, 0);
        if (handle == 0)
        {
            var error = NativeError.From(LibRdKafka.rd_kafka_last_error());
            throw ErrorIds.ClusterRequestFailed.With($"The client library cannot use the topic name '{topic}': {error.Text}", topic);
        }

        _handles[topic] = (handle, 1);
        return handle;
    }

    public void Release(string topic)
    {
        var entry = _handles[topic];
        if (entry.Users > 1)
        {
            _handles[topic] = entry with { Users = entry.Users - 1 };
            return;
        }

        _handles.Remove(topic);
        LibRdKafka.rd_kafka_topic_destroy(entry.Handle);
    }

    public void Dispose()
    {
        foreach (var (handle, _) in _handles.Values)
        {
            LibRdKafka.rd_kafka_topic_destroy(handle);
        }

        _handles.Clear();
    }
}
