using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Groups;

internal sealed partial class Group
{
    public const int MaxMetadata = 4096;

    private readonly Dictionary<TopicPartition, CommittedOffset> _offsets = [];
    private readonly Dictionary<long, Dictionary<TopicPartition, CommittedOffset>> _pending = [];

    /// <summary>Whether this caller may commit: a member of the current generation, or anyone while the group has no members.</summary>
    public ErrorCode CheckCommit(string memberId, string? instanceId, int generation, bool transactional)
    {
        lock (_gate)
        {
            if (_state == GroupState.Dead)
                return ErrorCode.UnknownMemberId;
            if (generation < 0 && memberId.Length == 0 && instanceId is null && (transactional || _members.Count == 0))
                return ErrorCode.None;
            var error = Check(memberId, instanceId, generation, out var member);
            if (error != ErrorCode.None)
                return error;
            member!.LastSeen = Now;
            return _state == GroupState.CompletingRebalance ? ErrorCode.RebalanceInProgress : ErrorCode.None;
        }
    }

    public void Commit(TopicPartition partition, CommittedOffset offset)
    {
        lock (_gate)
            _offsets[partition] = offset;
    }

    /// <summary>Keeps an offset aside until the producer's transaction ends.</summary>
    public void Pend(long producerId, TopicPartition partition, CommittedOffset offset)
    {
        lock (_gate)
        {
            if (!_pending.TryGetValue(producerId, out var offsets))
                _pending[producerId] = offsets = [];
            offsets[partition] = offset;
        }
    }

    public void EndPending(long producerId, bool commit)
    {
        lock (_gate)
        {
            if (!_pending.Remove(producerId, out var offsets) || !commit)
                return;
            foreach (var (partition, offset) in offsets)
                _offsets[partition] = offset;
        }
    }

    public IReadOnlyDictionary<TopicPartition, CommittedOffset> Offsets()
    {
        lock (_gate)
            return new Dictionary<TopicPartition, CommittedOffset>(_offsets);
    }

    /// <summary>Partitions whose offset an open transaction is about to change.</summary>
    public IReadOnlySet<TopicPartition> Unstable()
    {
        lock (_gate)
            return _pending.Values.SelectMany(p => p.Keys).ToHashSet();
    }

    /// <summary>Why an offset of this topic can't be deleted, or none.</summary>
    public ErrorCode CheckDelete(string topic)
    {
        lock (_gate)
        {
            if (_members.Count == 0)
                return ErrorCode.None;
            if (_protocolType != "consumer")
                return ErrorCode.NonEmptyGroup;
            return _members.Values.Any(m => m.Protocols.Any(p => Subscribes(p.Metadata, topic)))
                ? ErrorCode.GroupSubscribedToTopic
                : ErrorCode.None;
        }
    }

    public void Delete(TopicPartition partition)
    {
        lock (_gate)
            _offsets.Remove(partition);
    }

    public void Forget(string topic)
    {
        lock (_gate)
        {
            foreach (var partition in _offsets.Keys.Where(p => p.Topic == topic).ToList())
                _offsets.Remove(partition);
        }
    }

    private static bool Subscribes(byte[] metadata, string topic)
    {
        var reader = new WireReader(metadata);
        reader.Int16();
        return reader.Array(static r => r.String()).Contains(topic);
    }
}
