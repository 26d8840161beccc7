using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Connections;
using KafkaBackup.Engine.Wire.Messages;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// What one reader fetches from one broker: a session, one request under way, and its answers until they are handed out. The next request
/// goes out as soon as an answer is here, so that it is under way while that one is worked on. Everything but the loop itself is called
/// under the scheduler's lock.
/// </summary>
internal sealed class BrokerLane(int broker, int lane, FetchScheduler scheduler, CancellationToken closing) : IDisposable
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(5);

    private readonly FetchSession _session = new();
    private readonly Dictionary<(string Topic, int Partition), AssignedPartition> _partitions = [];
    private readonly List<AssignedPartition> _postponed = [];
    private readonly SemaphoreSlim _signal = new(0);
    private WireConnection? _connection;
    private TimeSpan _wait;
    private int _failures;
    private int _refusals;
    private int _heldAnswers;
    private long _heldBytes;
    private long _requests;
    private long? _askedAt;
    private long _lastTaken;
    private int _queued;
    private int _withMore;

    public int Broker => broker;

    private TimeProvider Clock => scheduler.Cluster.Options.Clock;

    public IReadOnlyCollection<AssignedPartition> Partitions => _partitions.Values;

    /// <summary>Requests in a row that a quota answered with nothing though there was something.</summary>
    public int HeldBack { get; private set; }

    public void Put(AssignedPartition partition)
    {
        var (topic, number) = partition.Partition;
        if (_partitions.TryAdd((topic, number), partition))
        {
            partition.IsAtEnd = false;
            partition.Lane = this;
            _withMore++;
            _wait = TimeSpan.Zero;
            if (_session.IsBeingForgotten(topic, partition.TopicId, number))
            {
                partition.FromRequest = long.MaxValue;
                _postponed.Add(partition);
                Wake();
                return;
            }

            partition.FromRequest = _requests + 1;
        }

        _session.Put(
            topic,
            partition.TopicId,
            new FetchPartition(
                number,
                partition.FetchOffset,
                Math.Max(partition.LargerFetch, scheduler.PartitionBytes),
                partition.LeaderEpoch,
                partition.LastEpoch
            )
        );
        Wake();
    }

    public void Remove(AssignedPartition partition)
    {
        var key = (partition.Partition.Topic, partition.Partition.Partition);
        if (partition.Lane == this && _partitions.Remove(key))
        {
            partition.Lane = null;
            _withMore -= partition.IsAtEnd ? 0 : 1;
            _session.Remove(key.Topic, key.Partition);
        }
    }

    public void NoteEnd(AssignedPartition partition, bool isAtEnd)
    {
        if (partition.IsAtEnd != isAtEnd)
        {
            partition.IsAtEnd = isAtEnd;
            _withMore += isAtEnd ? -1 : 1;
        }
    }

    /// <summary>The partition that an answer is about; null for one that is not fetched any more, or was asked for later.</summary>
    public AssignedPartition? Find(in FetchedTopic topic, int partition) =>
        _session.NameOf(topic) is { } name && _partitions.TryGetValue((name, partition), out var found) && found.FromRequest <= _requests
            ? found
            : null;

    /// <summary>Whether the broker has owed an answer for that long; true once for each such time.</summary>
    public bool IsSilent(TimeSpan time)
    {
        if (_askedAt is not { } since || Clock.GetElapsedTime(since) < time)
        {
            return false;
        }

        _askedAt = Clock.GetTimestamp();
        return true;
    }

    /// <summary>A part of one of its answers waits to be handed out.</summary>
    public void Queued() => _queued++;

    /// <summary>It was.</summary>
    public void Taken()
    {
        _queued--;
        _lastTaken = scheduler.Polls;
    }

    public void Hold(HeldAnswer answer)
    {
        _heldAnswers++;
        _heldBytes += answer.Bytes;
    }

    public void LetGo(HeldAnswer answer)
    {
        _heldAnswers--;
        _heldBytes -= answer.Bytes;
        Wake();
    }

    /// <summary>The caller has had its turn: new records may be waited for.</summary>
    public void WakeAtEnd()
    {
        if (_withMore == 0)
        {
            Wake();
        }
    }

    public void Wake()
    {
        if (_signal.CurrentCount == 0)
        {
            _signal.Release();
        }
    }

    public async Task RunAsync()
    {
        while (!closing.IsCancellationRequested)
        {
            try
            {
                await FetchOnceAsync().ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (closing.IsCancellationRequested)
            {
                return;
            }
            catch (ObjectDisposedException) when (closing.IsCancellationRequested)
            {
                return;
            }
            catch (WireException fault)
            {
                await FailAsync(fault).ConfigureAwait(false);
            }
        }
    }

    public void Dispose() => _signal.Dispose();

    private async Task FetchOnceAsync()
    {
        bool mayFetch;
        lock (scheduler.Gate)
        {
            mayFetch = MayFetch();
            _askedAt = mayFetch ? Clock.GetTimestamp() : null;
        }

        if (!mayFetch)
        {
            await _signal.WaitAsync(closing).ConfigureAwait(false);
            return;
        }

        var connection = await scheduler.Cluster.ConnectionAsync(broker, lane, closing).ConfigureAwait(false);
        var version = connection.Versions.Newest(FetchRequest.Definition);
        FetchRequest request;
        lock (scheduler.Gate)
        {
            if (!MayFetch())
            {
                return;
            }

            if (connection != _connection)
            {
                _session.ConnectionLost();
                _connection = connection;
            }

            _requests++;
            request = _session.Next(scheduler.Template(_wait), version);
            PutPostponed();
        }

        var answer = await connection.SendAsync(request, closing).ConfigureAwait(false);
        var error = answer.Error;
        scheduler.Take(this, answer);
        if (error != WireErrorCode.None && _refusals > 1)
        {
            // A lost session starts again at once; what is refused again is something else.
            scheduler.Report(WireException.Refused(error, $"The broker at {connection.Address} refuses to give records"));
            await Task.Delay(scheduler.ErrorBackoff, Clock, closing).ConfigureAwait(false);
        }
    }

    /// <summary>The request that forgets them is made: they go into the next one, as new ones.</summary>
    private void PutPostponed()
    {
        foreach (var partition in _postponed.Where(postponed => postponed.Lane == this && postponed.FromRequest == long.MaxValue))
        {
            partition.FromRequest = _requests + 1;
            Put(partition);
        }

        _postponed.Clear();
    }

    /// <summary>The session's side of an answer; false when it says nothing.</summary>
    public bool Answered(FetchResponse answer, bool anyRecords)
    {
        (_failures, _askedAt) = (0, null);
        if (!_session.Answered(answer))
        {
            _refusals++;
            return false;
        }

        _refusals = 0;

        var isHeldBack = !anyRecords && answer.ThrottleTime > TimeSpan.Zero && _withMore > 0;
        HeldBack = isHeldBack ? HeldBack + 1 : 0;
        if (anyRecords)
        {
            _wait = TimeSpan.Zero;
        }
        else if (!isHeldBack)
        {
            // Nothing new: the broker may wait a little longer each time, or it would be asked without a pause.
            var longer = _wait == TimeSpan.Zero ? FirstWait : _wait * 2;
            _wait = longer < scheduler.LongestWait ? longer : scheduler.LongestWait;
        }

        return true;
    }

    public void AskedLess() => HeldBack = 0;

    /// <summary>
    /// A request that waits at the end of all partitions would hold up one that is assigned meanwhile. So what was found is handed out
    /// first, and the caller has had its turn.
    /// </summary>
    private bool MayFetch() =>
        _partitions.Count > 0
        && (_heldAnswers <= 1 || _heldBytes < scheduler.AnswerBytes / 2)
        && (_withMore > 0 || (_queued == 0 && scheduler.Polls > _lastTaken));

    private async Task FailAsync(WireException fault)
    {
        bool again;
        lock (scheduler.Gate)
        {
            _session.ConnectionLost();
            (_connection, _askedAt) = (null, null);
            again = ++_failures == 1 && fault.Kind == WireFailure.ConnectionLost;
            if (!again)
            {
                scheduler.BrokerFailed(this, fault);
            }
        }

        if (!again && !fault.IsTransient)
        {
            await Task.Delay(scheduler.ErrorBackoff, closing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
