namespace KafkaBackup.LocalBroker.Apis;

/// <summary>The fetch sessions of one broker (KIP-227): which partitions a client fetches, and what it was told of them last.</summary>
internal sealed class FetchSessions(int most)
{
    private readonly object _gate = new();
    private readonly Dictionary<int, FetchSessionState> _sessions = [];
    private int _next = Random.Shared.Next(1, int.MaxValue / 2);

    public int Count
    {
        get
        {
            lock (_gate)
                return _sessions.Count;
        }
    }

    /// <summary>The session that a request begins or goes on with; null with None for a request without one.</summary>
    public (ErrorCode Error, FetchSessionState? Session) Enter(FetchAsked asked, short version)
    {
        lock (_gate)
        {
            if (asked.SessionEpoch <= 0)
            {
                _sessions.Remove(asked.SessionId);
                if (asked.SessionEpoch < 0 || most == 0 || asked.Partitions.Count == 0)
                    return (ErrorCode.None, null);
                if (_sessions.Count >= most)
                    _sessions.Remove(_sessions.Keys.First());
                var session = new FetchSessionState(++_next, version >= FetchAsked.TopicIdsFrom);
                _sessions.Add(session.Id, session);
                session.Apply(asked);
                return (ErrorCode.None, session);
            }

            if (!_sessions.TryGetValue(asked.SessionId, out var known))
                return (ErrorCode.FetchSessionIdNotFound, null);
            if (known.Epoch != asked.SessionEpoch)
                return (ErrorCode.InvalidFetchSessionEpoch, null);
            if (known.UsesIds != version >= FetchAsked.TopicIdsFrom)
                return (ErrorCode.FetchSessionTopicIdError, null);
            known.Apply(asked);
            return (ErrorCode.None, known);
        }
    }

    public void Clear()
    {
        lock (_gate)
            _sessions.Clear();
    }
}

internal sealed class FetchSessionState(int id, bool usesIds)
{
    private readonly Dictionary<(string Topic, Guid Id, int Index), Told> _told = [];
    private List<FetchAskedPartition> _order = [];

    public int Id { get; } = id;

    public bool UsesIds { get; } = usesIds;

    public int Epoch { get; private set; }

    public List<FetchAskedPartition> Partitions => [.. _order];

    public bool IsNew => Epoch == 1;

    public void Apply(FetchAsked asked)
    {
        var changed = asked.Partitions.ToDictionary(p => p.Key);
        var gone = asked.Forgotten.Select(f => (f.Topic, f.Id, f.Index)).ToHashSet();
        _order =
        [
            .. _order.Where(p => !gone.Contains(p.Key)).Select(p => changed.Remove(p.Key, out var newer) ? newer : p),
            .. changed.Values,
        ];
        foreach (var key in gone)
            _told.Remove(key);
        Epoch = Epoch == int.MaxValue ? 1 : Epoch + 1;
    }

    /// <summary>Whether an answer has to mention this partition; from then on the client counts as told.</summary>
    public bool IsNews(FetchAskedPartition partition, FetchOutcome outcome)
    {
        var read = outcome.Read;
        var now = new Told(read.HighWatermark, read.LastStableOffset, read.LogStart);
        var news =
            IsNew
            || read.Slice is not null
            || read.Error != ErrorCode.None
            || outcome.PreferredReplica >= 0
            || outcome.Diverging is not null
            || !_told.TryGetValue(partition.Key, out var before)
            || before != now;
        _told[partition.Key] = now;
        if (read.Slice is not null)
        {
            // Who got something goes to the end.
            _order.Remove(partition);
            _order.Add(partition);
        }

        return news;
    }

    private sealed record Told(long HighWatermark, long LastStable, long LogStart);
}
