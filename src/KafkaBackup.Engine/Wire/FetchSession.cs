using KafkaBackup.Engine.Wire.Messages;

namespace KafkaBackup.Engine.Wire;

/// <summary>
/// The partitions that one connection fetches. From version 7 on a broker remembers them (KIP-227), and a request names only what has
/// changed: the cost of a fetch then grows with what moves, not with what is there. With a broker that knows no sessions, or has none left,
/// every request names all. For one caller, one request at a time.
/// </summary>
internal sealed class FetchSession
{
    private readonly Dictionary<(string Topic, int Partition), LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _order = [];
    private readonly Dictionary<Guid, (string Name, int Entries)> _names = [];
    private readonly HashSet<LinkedListNode<Entry>> _changed = [];
    private readonly HashSet<(string Topic, Guid Id, int Partition)> _forgotten = [];
    private int _withoutId;
    private int _id;
    private int _epoch;
    private bool _byName;

    public int Count => _entries.Count;

    /// <summary>The broker's number for this session; 0 while there is none.</summary>
    public int Id => _id;

    /// <summary>Adds a partition, or moves it to another offset.</summary>
    public void Put(string topic, Guid topicId, FetchPartition partition)
    {
        if (_entries.TryGetValue((topic, partition.Index), out var node))
        {
            if (node.Value.TopicId == topicId)
            {
                node.Value.Partition = partition;
                _changed.Add(node);
                return;
            }

            Remove(topic, partition.Index);
        }

        node = _order.AddLast(new Entry(topic, topicId, partition));
        _entries.Add((topic, partition.Index), node);
        _changed.Add(node);
        _forgotten.Remove((topic, topicId, partition.Index));
        if (topicId == Guid.Empty)
        {
            _withoutId++;
        }
        else
        {
            _names[topicId] = (topic, _names.TryGetValue(topicId, out var known) ? known.Entries + 1 : 1);
        }
    }

    public void Remove(string topic, int partition)
    {
        if (!_entries.Remove((topic, partition), out var node))
        {
            return;
        }

        _order.Remove(node);
        _changed.Remove(node);
        if (node.Value.IsKnown)
        {
            _forgotten.Add((topic, node.Value.TopicId, partition));
        }

        if (node.Value.TopicId == Guid.Empty)
        {
            _withoutId--;
        }
        else if (_names.TryGetValue(node.Value.TopicId, out var known))
        {
            if (known.Entries == 1)
            {
                _names.Remove(node.Value.TopicId);
            }
            else
            {
                _names[node.Value.TopicId] = known with { Entries = known.Entries - 1 };
            }
        }
    }

    /// <summary>
    /// Whether the next request takes this partition out of the broker's session. A broker that is told to forget and to add a partition in
    /// one request forgets it, and one that is only told its new offset says nothing as long as nothing has changed.
    /// </summary>
    public bool IsBeingForgotten(string topic, Guid topicId, int partition) => _forgotten.Contains((topic, topicId, partition));

    /// <summary>The topic of an answer, by name or by id; null for one that is not fetched here any more.</summary>
    public string? NameOf(in FetchedTopic topic) => topic.Name ?? (_names.TryGetValue(topic.Id, out var known) ? known.Name : null);

    /// <summary>The next request. Its answer, or its failure, must be told before the one after it is made.</summary>
    /// <param name="template">Everything but session and topics.</param>
    /// <param name="version">The version that the connection speaks: sessions begin with 7, topic ids with 13.</param>
    public FetchRequest Next(FetchRequest template, short version)
    {
        var byName = _withoutId > 0 || version < FetchRequest.TopicIdsFrom;
        if (byName != _byName)
        {
            // A session that began with ids does not go on with names, and the other way round.
            Reset();
            _byName = byName;
        }

        // Epoch 0 with the number of an old session ends that one.
        var request =
            version < 7 ? With(template, 0, -1, Group(_order), [])
            : _epoch == 0 ? With(template, _id, 0, Group(_order), [])
            : With(template, _id, _epoch, Group(_changed.Select(node => node.Value)), Forgotten());
        foreach (var node in _changed)
        {
            node.Value.IsKnown = true;
        }

        _changed.Clear();
        _forgotten.Clear();
        return request;
    }

    /// <summary>The answer has arrived, without an error of its connection.</summary>
    /// <returns>False when the broker has lost the session: the answer says nothing, and the next request names all partitions
    /// again.</returns>
    public bool Answered(FetchResponse answer)
    {
        if (answer.Error != WireErrorCode.None)
        {
            Reset();
            return false;
        }

        if (answer.SessionId == 0)
        {
            // The broker has no room for a session, or knows none.
            ConnectionLost();
        }
        else
        {
            _epoch = answer.SessionId != _id || _epoch == int.MaxValue ? 1 : _epoch + 1;
            _id = answer.SessionId;
        }

        TakeTurns(answer);
        return true;
    }

    /// <summary>The session is lost: the next request begins a new one.</summary>
    public void Reset()
    {
        _epoch = 0;
        _forgotten.Clear();
        _changed.Clear();
        for (var node = _order.First; node is not null; node = node.Next)
        {
            node.Value.IsKnown = false;
            _changed.Add(node);
        }
    }

    /// <summary>The connection is lost, and with it the session's number.</summary>
    public void ConnectionLost()
    {
        Reset();
        _id = 0;
    }

    /// <summary>Whoever got records goes to the end: a broker fills an answer in the order of the request.</summary>
    private void TakeTurns(FetchResponse answer)
    {
        foreach (var topic in answer.Topics)
        {
            if (NameOf(topic) is not { } name)
            {
                continue;
            }

            foreach (ref readonly var partition in topic.Partitions.AsSpan())
            {
                if (!partition.Records.IsEmpty && _entries.TryGetValue((name, partition.Index), out var node))
                {
                    _order.Remove(node);
                    _order.AddLast(node);
                }
            }
        }
    }

    private static List<FetchTopic> Group(IEnumerable<Entry> entries)
    {
        // Neighbours of one topic go together; a topic may come up twice, which Kafka allows and which keeps the order.
        var topics = new List<FetchTopic>();
        List<FetchPartition>? partitions = null;
        foreach (var entry in entries)
        {
            if (partitions is null || topics[^1].Name != entry.Topic)
            {
                topics.Add(new FetchTopic(entry.Topic, entry.TopicId, partitions = []));
            }

            partitions.Add(entry.Partition);
        }

        return topics;
    }

    /// <summary>By name, a partition of a recreated topic is still the same one: forgetting the old would drop the new.</summary>
    private List<ForgottenTopic> Forgotten() =>
        [
            .. _forgotten
                .Where(f => !_byName || !_entries.ContainsKey((f.Topic, f.Partition)))
                .GroupBy(f => (f.Topic, f.Id))
                .Select(g => new ForgottenTopic(g.Key.Topic, g.Key.Id, [.. g.Select(f => f.Partition)])),
        ];

    private FetchRequest With(FetchRequest template, int id, int epoch, List<FetchTopic> topics, List<ForgottenTopic> forgotten) =>
        new()
        {
            MaxWait = template.MaxWait,
            MinBytes = template.MinBytes,
            MaxBytes = template.MaxBytes,
            ReadCommitted = template.ReadCommitted,
            Rack = template.Rack,
            SessionId = id,
            SessionEpoch = epoch,
            Topics = topics,
            Forgotten = forgotten,
            ByName = _byName,
        };

    private sealed class Entry(string topic, Guid topicId, FetchPartition partition)
    {
        public string Topic { get; } = topic;

        public Guid TopicId { get; } = topicId;

        public FetchPartition Partition { get; set; } = partition;

        /// <summary>Whether the broker's session has it.</summary>
        public bool IsKnown { get; set; }
    }
}
