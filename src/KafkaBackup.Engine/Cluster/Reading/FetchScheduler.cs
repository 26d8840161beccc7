using System.Runtime.ExceptionServices;
using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Messages;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// Fetches what is assigned: looks for each partition's leader, has one lane for each broker, and keeps what arrived until it is taken.
/// Any thread may call it; the lanes and the search for leaders run on their own.
/// </summary>
internal sealed class FetchScheduler : IDisposable
{
    /// <summary>Less is of no use: each answer costs a round trip.</summary>
    private const int LeastAnswerBytes = 64 << 10;

    /// <summary>A quota that lets nothing through twice is asked for less.</summary>
    private const int HeldBackTwice = 2;

    private const int MostRefusals = 5;

    private readonly WireConnections _connections;
    private readonly CancellationTokenSource _closing = new();
    private readonly Dictionary<int, BrokerLane> _lanes = [];
    private readonly Queue<FetchedPart> _ready = [];
    private readonly List<Task> _running = [];
    private readonly LeaderSearch _search;
    private readonly int _lane;
    private readonly bool _readCommitted;
    private ReaderOptions _options;
    private TimeSpan _throttled;
    private KafkaBackupException? _fault;
    private ExceptionDispatchInfo? _broken;

    public FetchScheduler(WireConnections connections, ReaderOptions options)
    {
        _connections = connections;
        _options = options;
        _readCommitted = options.Isolation == IsolationLevel.ReadCommitted;
        Cluster = connections.Cluster;
        _lane = connections.TakeLane();
        _search = new LeaderSearch(this, connections.Fetch, _closing.Token);
        _running.Add(Task.Run(() => WatchAsync(_search.RunAsync)));
    }

    public object Gate { get; } = new();

    public WireCluster Cluster { get; }

    /// <summary>How often it was asked for parts.</summary>
    public long Polls { get; private set; }

    public int PartitionBytes => _connections.Fetch.PartitionBytes ?? _options.FetchBytes;

    /// <summary>Of each lane there may be one answer in the caller's hands and one behind it.</summary>
    public int AnswerBytes
    {
        get
        {
            var share = Math.Max(LeastAnswerBytes, _options.QueuedBytes / (2 * Math.Max(1, _lanes.Count)));
            return (int)Math.Min(share, Math.Min(_connections.Fetch.MaxBytes ?? int.MaxValue, 2L * _options.FetchBytes));
        }
    }

    /// <summary>How long a broker may wait for new records, at most.</summary>
    public TimeSpan LongestWait => _connections.Fetch.MaxWait;

    public TimeSpan ErrorBackoff => _connections.Fetch.ErrorBackoff;

    public FetchRequest Template(TimeSpan wait) =>
        new()
        {
            MaxWait = wait,
            MinBytes = _connections.Fetch.MinBytes,
            MaxBytes = AnswerBytes,
            ReadCommitted = _readCommitted,
            Rack = Cluster.Options.Rack,
            Topics = [],
        };

    public void Add(AssignedPartition partition) => _search.Seek(partition);

    public void Remove(AssignedPartition partition)
    {
        partition.IsRemoved = true;
        Stop(partition);
    }

    /// <summary>Nothing more of it is fetched.</summary>
    public void Stop(AssignedPartition partition)
    {
        lock (Gate)
        {
            partition.IsStopped = true;
            partition.Lane?.Remove(partition);
        }
    }

    /// <summary>What has arrived, in the order of its arrival; waits that long for it. The caller gives it to <see cref="Done"/>.</summary>
    public FetchedPart? TryTake(TimeSpan wait)
    {
        lock (Gate)
        {
            _broken?.Throw();
            if (wait > TimeSpan.Zero)
            {
                Polls++;
                foreach (var lane in _lanes.Values)
                {
                    lane.WakeAtEnd();
                }
            }

            if (_ready.Count == 0 && wait > TimeSpan.Zero && _fault is null && _throttled == TimeSpan.Zero)
            {
                Monitor.Wait(Gate, wait);
            }

            return _ready.TryDequeue(out var part) ? part : null;
        }
    }

    /// <summary>A part was handed out, or is of no use: its memory goes back with the last one of its answer.</summary>
    public void Done(FetchedPart part)
    {
        HeldAnswer? free = null;
        lock (Gate)
        {
            part.Lane?.Taken();
            if (part.Answer is { } answer && --answer.Parts == 0)
            {
                part.Lane!.LetGo(answer);
                free = answer;
            }
        }

        free?.Release();
    }

    /// <summary>What is wrong with a broker or with all of them, and how long one holds this user back; since it was last asked.</summary>
    public (KafkaBackupException? Fault, TimeSpan Throttled) TakeNotices()
    {
        lock (Gate)
        {
            var notices = (_fault, _throttled);
            (_fault, _throttled) = (null, TimeSpan.Zero);
            return notices;
        }
    }

    public void Report(WireException fault)
    {
        lock (Gate)
        {
            _fault = _connections.Describe(fault);
            Monitor.Pulse(Gate);
        }
    }

    /// <summary>Hands an error out, behind what was fetched before it.</summary>
    public void Fail(AssignedPartition partition, ReadFault fault)
    {
        lock (Gate)
        {
            if (partition.IsStopped)
            {
                return;
            }

            Stop(partition);
            _ready.Enqueue(new FetchedPart(partition, null, null, default, [], null, fault));
            Monitor.Pulse(Gate);
        }
    }

    /// <summary>A partition's leader is known: it is fetched from there.</summary>
    public void Fetch(AssignedPartition partition, int broker)
    {
        lock (Gate)
        {
            if (partition.IsStopped || _closing.IsCancellationRequested)
            {
                return;
            }

            if (!_lanes.TryGetValue(broker, out var lane))
            {
                lane = new BrokerLane(broker, _lane, this, _closing.Token);
                _lanes.Add(broker, lane);
                _running.Add(Task.Run(() => WatchAsync(lane.RunAsync)));
            }

            lane.Put(partition);
        }
    }

    /// <summary>A broker cannot be asked: what it led may have moved. Called under the lock.</summary>
    public void BrokerFailed(BrokerLane lane, WireException fault)
    {
        AssignedPartition[] orphans = [.. lane.Partitions];
        Cluster.NoteLost(orphans.Select(orphan => orphan.Partition.Topic).Distinct(StringComparer.Ordinal));
        foreach (var orphan in orphans)
        {
            lane.Remove(orphan);
            orphan.FailedBroker = lane.Broker;
        }

        _search.BrokerFailed(fault, orphans);
    }

    /// <summary>What is fetched from brokers that have owed an answer for that long. Called under the lock.</summary>
    public AssignedPartition[] OfSilentBrokers(TimeSpan time) =>
        [.. _lanes.Values.Where(lane => lane.IsSilent(time)).SelectMany(lane => lane.Partitions)];

    public void Take(BrokerLane lane, FetchResponse response)
    {
        // Without the lock: nobody else knows the answer yet.
        var anyRecords = response.Topics.Any(topic => topic.Partitions.Any(partition => !partition.Records.IsEmpty));
        var held = new HeldAnswer(response);
        lock (Gate)
        {
            if (response.ThrottleTime > _throttled)
            {
                _throttled = response.ThrottleTime;
            }

            if (!lane.Answered(response, anyRecords))
            {
                response.Dispose();
                return;
            }

            if (lane.HeldBack >= HeldBackTwice && _options.CanAskLess)
            {
                lane.AskedLess();
                _options = _options.AskingLess();
                _connections.Events.Verbose(
                    $"The cluster holds back this user's reads (its quota); asking for {_options.FetchBytes:N0} bytes at a time."
                );
            }

            foreach (var topic in response.Topics)
            {
                foreach (ref readonly var fetched in topic.Partitions.AsSpan())
                {
                    if (lane.Find(topic, fetched.Index) is { } partition)
                    {
                        Take(lane, partition, topic, fetched, response, held);
                    }
                }
            }

            if (held.Parts > 0)
            {
                lane.Hold(held);
            }

            Monitor.Pulse(Gate);
        }

        if (held.Parts == 0)
        {
            response.Dispose();
        }
    }

    public void Dispose()
    {
        Task[] running;
        lock (Gate)
        {
            _closing.Cancel();
            running = [.. _running];
        }

        Task.WaitAll(running);
        while (_ready.TryDequeue(out var part))
        {
            Done(part);
        }

        foreach (var lane in _lanes.Values)
        {
            lane.Dispose();
        }

        _search.Dispose();
        _connections.GiveBackLane(_lane);
        _closing.Dispose();
    }

    /// <summary>What nobody foresaw comes out where the reader is polled, not in a task that nobody waits for.</summary>
    private async Task WatchAsync(Func<Task> run)
    {
        try
        {
            await run().ConfigureAwait(false);
        }
        catch (Exception unforeseen)
        {
            lock (Gate)
            {
                _broken ??= ExceptionDispatchInfo.Capture(unforeseen);
                Monitor.Pulse(Gate);
            }
        }
    }

    private void Take(
        BrokerLane lane,
        AssignedPartition partition,
        in FetchedTopic topic,
        in FetchedPartition fetched,
        FetchResponse response,
        HeldAnswer held
    )
    {
        if (fetched.Error != WireErrorCode.None)
        {
            TakeError(lane, partition, fetched, response);
            return;
        }

        if (fetched.Diverging is { } diverging)
        {
            Fail(
                partition,
                new ReadFault(
                    ReadFaultKind.Truncated,
                    Math.Min(diverging.EndOffset, partition.FetchOffset),
                    "DIVERGING_EPOCH",
                    $"the log's records of leader epoch {partition.LastEpoch} end at offset {diverging.EndOffset}"
                )
            );
            return;
        }

        partition.Refusals = 0;
        partition.UnknownSince = null;
        partition.FailedBroker = -1;
        partition.ReadTopicId = partition.TopicId;
        if (fetched.PreferredReplica >= 0 && fetched.PreferredReplica != lane.Broker)
        {
            lane.Remove(partition);
            Fetch(partition, fetched.PreferredReplica);
            return;
        }

        var scan = RecordsScan.Of(fetched.Records, partition.FetchOffset, partition.LastEpoch);
        var lastStable = fetched.LastStableOffset >= 0 ? fetched.LastStableOffset : fetched.HighWatermark;
        var isMoved = scan.Next != partition.FetchOffset || scan.IsCutOff;
        partition.FetchOffset = scan.Next;
        partition.LastEpoch = scan.LastEpoch;
        partition.LargerFetch = scan.IsCutOff ? (int)Math.Min(int.MaxValue / 2, 4L * Math.Max(fetched.Records.Length, PartitionBytes)) : 0;
        if (scan.IsDamaged)
        {
            // Whoever hands it out finds the damage and says so.
            Stop(partition);
        }
        else
        {
            lane.NoteEnd(partition, scan.Next >= (_readCommitted ? lastStable : fetched.HighWatermark));
            if (isMoved)
            {
                lane.Put(partition);
            }
        }

        var hasRecords = !fetched.Records.IsEmpty;
        held.Parts += hasRecords ? 1 : 0;
        lane.Queued();
        _ready.Enqueue(
            new FetchedPart(
                partition,
                lane,
                hasRecords ? held : null,
                fetched.Records,
                fetched.Aborted,
                new LogFacts(scan.Next, fetched.HighWatermark, lastStable, fetched.LogStart)
            )
        );
    }

    private void TakeError(BrokerLane lane, AssignedPartition partition, in FetchedPartition fetched, FetchResponse response)
    {
        var code = fetched.Error;
        Cluster.NoteError(partition.Partition.Topic, partition.Partition.Partition, code, fetched.Leader, response.Endpoints);
        var isFollower = partition.Leader != lane.Broker;
        if (FetchErrors.IsFault(code) && !isFollower)
        {
            Fail(partition, FetchErrors.Describe(code, partition.FetchOffset));
            return;
        }

        if (!FetchErrors.IsPassing(code) && !isFollower && ++partition.Refusals >= MostRefusals)
        {
            Fail(partition, FetchErrors.Describe(code, partition.FetchOffset));
            return;
        }

        lane.Remove(partition);
        if (FetchErrors.IsUnknown(code))
        {
            _search.SeekUnknown(partition, code);
        }
        else if (code == WireErrorCode.NotLeaderOrFollower && fetched.Leader is not null)
        {
            _search.Seek(partition);
        }
        else
        {
            _search.SeekLater(partition);
        }
    }
}
