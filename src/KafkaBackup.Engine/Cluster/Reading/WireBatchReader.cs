namespace KafkaBackup.Engine.Cluster;

internal sealed class WireBatchReader(WireConnections connections, ReaderOptions options) : IBatchReader
{
    public void Assign(TopicPartition partition, long offset, int slot) => throw new NotImplementedException();
    public void Remove(int slot) => throw new NotImplementedException();
    public long Poll(IBatchSink sink, long maxBytes) => throw new NotImplementedException();
    public void Dispose() { _ = connections; _ = options; }
}
