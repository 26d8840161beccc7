using System.Globalization;
using KafkaBackup.LocalBroker.Log;
using KafkaBackup.LocalBroker.Topics;

namespace KafkaBackup.LocalBroker;

public sealed partial class LocalCluster
{
    /// <summary>The names of all topics.</summary>
    public IReadOnlyList<string> TopicNames => [.. Topics.All.Select(t => t.Name)];

    public void CreateTopic(
        string name,
        int partitions = 1,
        IReadOnlyDictionary<string, string>? config = null,
        short replicationFactor = 1
    )
    {
        var settings = (config ?? new Dictionary<string, string>()).Select(c => KeyValuePair.Create(c.Key, (string?)c.Value)).ToList();
        var (error, message, _) = Topics.Create(new NewTopic(name, partitions, replicationFactor, settings));
        if (error != ErrorCode.None)
            throw new ArgumentException(message);
    }

    public void DeleteTopic(string name)
    {
        RequireTopic(name);
        Forget(name);
    }

    /// <summary>Deletes a topic and creates it again: same settings, new topic id, empty logs.</summary>
    public void RecreateTopic(string name, int? partitions = null)
    {
        var topic = RequireTopic(name);
        Forget(name);
        CreateTopic(name, partitions ?? topic.Partitions.Count, topic.Config.Values, topic.ReplicationFactor);
    }

    public void AddPartitions(string topic, int newCount) => Topics.Grow(RequireTopic(topic), newCount);

    public int PartitionCount(string topic) => RequireTopic(topic).Partitions.Count;

    public Guid TopicId(string topic) => RequireTopic(topic).Id;

    /// <summary>Sets one setting of a topic; null takes it back to its default.</summary>
    public void SetTopicConfig(string topic, string name, string? value)
    {
        KeyValuePair<string, string?>[] change = [KeyValuePair.Create(name, value)];
        if (TopicConfig.Refuse(change) is { } reason)
            throw new ArgumentException(reason);
        RequireTopic(topic).Config.Merge(change);
    }

    /// <summary>What was set on a topic, without defaults.</summary>
    public IReadOnlyDictionary<string, string> TopicConfigOf(string topic) => RequireTopic(topic).Config.Values;

    public long LogStart(string topic, int partition = 0) => Require(topic, partition).Log.LogStart;

    /// <summary>The offset the next record gets.</summary>
    public long LogEnd(string topic, int partition = 0) => Require(topic, partition).Log.LogEnd;

    public long LastStableOffset(string topic, int partition = 0) => Require(topic, partition).Log.LastStableOffset;

    /// <summary>As a broker does a day after a producer's newest record, or when it starts again then.</summary>
    public void ForgetProducers(string topic, int partition = 0) => Require(topic, partition).Log.ForgetProducers();

    /// <summary>Producer id, epoch and first sequence of each batch, in order of offsets.</summary>
    public IReadOnlyList<(long ProducerId, short Epoch, int Sequence)> Sequences(string topic, int partition = 0) =>
        [.. ReadRaw(topic, partition).Select(b => BatchHeader.Read(b)).Select(h => (h.ProducerId, h.ProducerEpoch, h.BaseSequence))];

    public int LeaderEpoch(string topic, int partition = 0) => Require(topic, partition).LeaderEpoch;

    /// <summary>Puts records into a log as one batch; answers with the first one's offset.</summary>
    public long Append(string topic, int partition, IEnumerable<LocalRecord> records, LocalCodec codec = LocalCodec.None) =>
        AppendRaw(topic, partition, BatchBuilder.Of(records).Build((int)codec));

    public long Append(string topic, int partition, params LocalRecord[] records) =>
        Append(topic, partition, (IEnumerable<LocalRecord>)records);

    /// <summary>Opens a transaction from behind, for records that are pending as long as a test likes.</summary>
    public LocalTransaction BeginTransaction() => new(this, Transactions.NewIdentity());

    /// <summary>Puts a batch into a log as it is, unchecked; only its place in the log is written into it.</summary>
    public long AppendRaw(string topic, int partition, byte[] batch)
    {
        var target = Require(topic, partition);
        var copy = batch.ToArray();
        if (target.Log is var log && RequireTopic(topic).Config.Limits.LogAppendTime)
            BatchHeader.StampAppendTime(copy, Now);
        return log.AppendUnchecked(copy);
    }

    /// <summary>Everything in a log from its start on, decoded; markers and aborted records too, flagged as such.</summary>
    public IReadOnlyList<StoredRecord> Read(string topic, int partition = 0)
    {
        var log = Require(topic, partition).Log;
        var aborted = log.AbortedTransactions();
        var start = log.LogStart;
        var records = new List<StoredRecord>();
        foreach (var batch in log.Batches())
        {
            var header = BatchHeader.Read(batch);
            foreach (var record in BatchReader.Records(batch).Where(r => r.Offset >= start))
            {
                records.Add(
                    new StoredRecord(
                        record.Offset,
                        record.Timestamp,
                        record.Key?.ToArray(),
                        record.Value?.ToArray(),
                        [.. record.ReadHeaders()],
                        header.LeaderEpoch,
                        header.ProducerId,
                        header.IsTransactional,
                        header.IsControl,
                        header.IsTransactional && !header.IsControl && aborted.Any(a => a.Covers(header.ProducerId, record.Offset)),
                        header.IsLogAppendTime,
                        header.Codec
                    )
                );
            }
        }

        return records;
    }

    /// <summary>The batches of a log from its start on, byte for byte as they lie there.</summary>
    public IReadOnlyList<byte[]> ReadRaw(string topic, int partition = 0) => Require(topic, partition).Log.Batches();

    /// <summary>Moves the start of a log, as DeleteRecords does.</summary>
    public void DeleteRecords(string topic, int partition, long before)
    {
        if (!Require(topic, partition).Log.DeleteBefore(before))
            throw new ArgumentOutOfRangeException(nameof(before), "The offset is past the end of the log.");
    }

    /// <summary>Retention by time, now: drops leading batches with nothing at or past the timestamp.</summary>
    public void Expire(string topic, long beforeTimestamp)
    {
        foreach (var partition in RequireTopic(topic).Partitions)
            partition.Log.Expire(beforeTimestamp);
    }

    /// <summary>Applies every topic's <c>retention.ms</c> and <c>retention.bytes</c>, now. It never happens by itself.</summary>
    public void ApplyRetention()
    {
        foreach (var topic in Topics.All.Where(t => t.Config["cleanup.policy"].Contains("delete", StringComparison.Ordinal)))
        {
            var milliseconds = long.Parse(topic.Config["retention.ms"], CultureInfo.InvariantCulture);
            var bytes = long.Parse(topic.Config["retention.bytes"], CultureInfo.InvariantCulture);
            foreach (var partition in topic.Partitions)
            {
                if (milliseconds >= 0)
                    partition.Log.Expire(Now - milliseconds);
                if (bytes >= 0)
                    partition.Log.ExpireBySize(bytes);
            }
        }
    }

    /// <summary>Log cleaning, now: the newest record of each key stays, at its offset.</summary>
    /// <param name="dropEmptyTail">
    /// Current brokers keep an emptied last batch, so that consumers reach the end of the log. Older ones drop it: then a
    /// consumer's position never gets there.
    /// </param>
    public void Compact(string topic, bool dropTombstones = false, bool dropEmptyTail = false)
    {
        foreach (var partition in RequireTopic(topic).Partitions)
            partition.Log.Compact(dropTombstones, dropEmptyTail);
    }

    /// <summary>An unclean election: the log loses everything from the offset on, under a new leader epoch.</summary>
    public void Truncate(string topic, int partition, long offset)
    {
        lock (_leadership)
        {
            var target = Require(topic, partition);
            target.Log.Truncate(offset);
            target.Lead(target.Leader);
        }
    }

    /// <summary>Flips a bit of the stored batch that holds the offset; its checksum no longer fits.</summary>
    public void CorruptBatch(string topic, int partition, long offset) => Require(topic, partition).Log.Corrupt(offset);

    /// <summary>Deletes a topic together with the offsets that groups committed on it.</summary>
    internal bool Forget(string name)
    {
        Groups.ForgetTopic(name);
        return Topics.Delete(name);
    }

    private Topic RequireTopic(string name) =>
        Topics.TryGet(name, out var topic) ? topic : throw new ArgumentException($"There is no topic '{name}'.");
}
