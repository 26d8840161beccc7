using KafkaBackup.LocalBroker.Log;
using KafkaBackup.LocalBroker.Transactions;

namespace KafkaBackup.LocalBroker;

/// <summary>
/// A transaction written from behind, without a client: it stays open as long as the test likes, past any timeout, and holds
/// the last stable offset of every partition it touched. Not thread-safe.
/// </summary>
public sealed class LocalTransaction
{
    private readonly LocalCluster _cluster;
    private readonly ProducerIdentity _producer;
    private readonly Dictionary<TopicPartition, int> _nextSequence = [];
    private bool _ended;

    internal LocalTransaction(LocalCluster cluster, ProducerIdentity producer)
    {
        _cluster = cluster;
        _producer = producer;
    }

    public long ProducerId => _producer.Id;

    /// <summary>Appends one transactional batch; answers with its first offset.</summary>
    public long Append(string topic, int partition, params LocalRecord[] records)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        var place = new TopicPartition(topic, partition);
        var sequence = _nextSequence.GetValueOrDefault(place);
        var batch = BatchBuilder.Of(records).Build(_producer.Id, _producer.Epoch, sequence);
        _nextSequence[place] = sequence + records.Length;
        return _cluster.AppendRaw(topic, partition, batch);
    }

    public void Commit() => End(commit: true);

    public void Abort() => End(commit: false);

    private void End(bool commit)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        _ended = true;
        foreach (var place in _nextSequence.Keys)
            _cluster.Topics.Find(place.Topic, place.Partition)?.Log.EndTransaction(_producer.Id, _producer.Epoch, commit, _cluster.Now, 0);
    }
}
