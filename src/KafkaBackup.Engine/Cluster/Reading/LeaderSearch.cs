using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Messages;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// Finds out who leads partitions, many with one question, and again after a pause where nobody does. A partition that was read before and
/// has another leader now is fetched from it only when the new leader has the same log up to there (KIP-320).
/// </summary>
internal sealed class LeaderSearch(FetchScheduler scheduler, FetchTuning tuning, CancellationToken closing) : IDisposable
{
    /// <summary>A search that takes longer is said to be one.</summary>
    private static readonly TimeSpan LongSearch = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(1);

    /// <summary>A broker that owes an answer for so long may have lost what it led, without being able to say so.</summary>
    private static readonly TimeSpan LongSilence = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan LookAtSilence = TimeSpan.FromSeconds(1);

    private readonly HashSet<AssignedPartition> _now = [];
    private readonly PriorityQueue<AssignedPartition, long> _later = new();
    private readonly SemaphoreSlim _signal = new(0);
    private WireException? _brokerFault;

    private TimeProvider Clock => scheduler.Cluster.Options.Clock;

    public void Seek(AssignedPartition partition)
    {
        lock (scheduler.Gate)
        {
            _now.Add(partition);
            Wake();
        }
    }

    public void SeekLater(AssignedPartition partition) => SeekLater(partition, tuning.ErrorBackoff);

    /// <summary>Brokers do not know it; after some time of that it is a fault.</summary>
    public void SeekUnknown(AssignedPartition partition, WireErrorCode code)
    {
        lock (scheduler.Gate)
        {
            partition.UnknownSince ??= Clock.GetTimestamp();
            if (Clock.GetElapsedTime(partition.UnknownSince.Value) < tuning.UnknownTopicPatience)
            {
                SeekLater(partition);
                return;
            }
        }

        scheduler.Fail(partition, FetchErrors.Describe(code, partition.FetchOffset));
    }

    /// <summary>Called under the lock.</summary>
    public void BrokerFailed(WireException fault, AssignedPartition[] orphans)
    {
        _brokerFault = fault;
        _now.UnionWith(orphans);
        Wake();
    }

    public async Task RunAsync()
    {
        while (!closing.IsCancellationRequested)
        {
            var due = TakeDue(out var silent, out var next);
            if (due.Length == 0 && silent.Length == 0)
            {
                await ((Task)_signal.WaitAsync(next, closing)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }

            try
            {
                await AskAboutAsync(silent).ConfigureAwait(false);
                await FindAsync(due).ConfigureAwait(false);
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
                scheduler.Report(fault);
                foreach (var partition in due)
                {
                    SeekLater(partition, PauseAfterFailure);
                }
            }
        }
    }

    public void Dispose() => _signal.Dispose();

    private void SeekLater(AssignedPartition partition, TimeSpan pause)
    {
        lock (scheduler.Gate)
        {
            _later.Enqueue(partition, Clock.GetTimestamp() + (long)(pause.TotalSeconds * Clock.TimestampFrequency));
            Wake();
        }
    }

    private void Wake()
    {
        if (_signal.CurrentCount == 0)
        {
            _signal.Release();
        }
    }

    private AssignedPartition[] TakeDue(out AssignedPartition[] silent, out TimeSpan next)
    {
        lock (scheduler.Gate)
        {
            var now = Clock.GetTimestamp();
            while (_later.TryPeek(out var partition, out var due) && due <= now)
            {
                _later.Dequeue();
                _now.Add(partition);
            }

            AssignedPartition[] found = [.. _now.Where(partition => !partition.IsStopped && partition.Lane is null)];
            _now.Clear();
            silent = scheduler.OfSilentBrokers(LongSilence);
            next = _later.TryPeek(out _, out var first) ? Clock.GetElapsedTime(now, first) + TimeSpan.FromMilliseconds(1) : LookAtSilence;
            next = next < LookAtSilence ? next : LookAtSilence;
            return found;
        }
    }

    /// <summary>What a silent broker no longer leads is fetched from its new leader; the rest goes on waiting for it.</summary>
    private async Task AskAboutAsync(AssignedPartition[] partitions)
    {
        if (partitions.Length == 0)
        {
            return;
        }

        await scheduler
            .Cluster.RefreshAsync(partitions.Select(partition => partition.Partition.Topic).Distinct(StringComparer.Ordinal), closing)
            .ConfigureAwait(false);
        foreach (var partition in partitions)
        {
            var (topic, number) = partition.Partition;
            var leader = await scheduler.Cluster.LeaderAsync(topic, number, closing).ConfigureAwait(false);
            lock (scheduler.Gate)
            {
                if (leader.Broker >= 0 && partition.Lane is { } lane && leader.Broker != lane.Broker)
                {
                    lane.Remove(partition);
                    Seek(partition);
                }
            }
        }
    }

    private async Task FindAsync(AssignedPartition[] partitions)
    {
        // One question for all topics: what is asked for at the same time goes into one request.
        var asking = Task.WhenAll(
            partitions
                .Select(partition => partition.Partition.Topic)
                .Distinct(StringComparer.Ordinal)
                .Select(topic => scheduler.Cluster.LeaderAsync(topic, 0, closing).AsTask())
        );
        if (!asking.IsCompleted && await Task.WhenAny(asking, Task.Delay(LongSearch, Clock, closing)).ConfigureAwait(false) != asking)
        {
            ReportBrokerFault();
        }

        await asking.ConfigureAwait(false);
        var moved = new List<(AssignedPartition Partition, PartitionLeader Leader)>();
        foreach (var partition in partitions)
        {
            var leader = await scheduler
                .Cluster.LeaderAsync(partition.Partition.Topic, partition.Partition.Partition, closing)
                .ConfigureAwait(false);
            if (!IsUsable(partition, leader))
            {
                continue;
            }

            if (partition.LastEpoch >= 0 && leader.Epoch != partition.LeaderEpoch)
            {
                moved.Add((partition, leader));
            }
            else
            {
                Found(partition, leader);
            }
        }

        foreach (var group in moved.GroupBy(m => m.Leader.Broker))
        {
            await CompareAsync(group.Key, [.. group]).ConfigureAwait(false);
        }
    }

    private bool IsUsable(AssignedPartition partition, PartitionLeader leader)
    {
        var (topic, number) = partition.Partition;
        if (leader.TopicId != Guid.Empty && partition.ReadTopicId != Guid.Empty && leader.TopicId != partition.ReadTopicId)
        {
            scheduler.Fail(
                partition,
                new ReadFault(
                    ReadFaultKind.Recreated,
                    partition.FetchOffset,
                    WireErrorCode.InconsistentTopicId.KafkaName(),
                    "the topic was deleted and created again"
                )
            );
            return false;
        }

        if (leader.Broker >= 0)
        {
            return true;
        }

        scheduler.Cluster.NoteError(topic, number, leader.Error);
        if (FetchErrors.IsUnknown(leader.Error))
        {
            SeekUnknown(partition, leader.Error);
        }
        else if (FetchErrors.IsFault(leader.Error))
        {
            scheduler.Fail(partition, FetchErrors.Describe(leader.Error, partition.FetchOffset));
        }
        else
        {
            SeekLater(partition);
        }

        return false;
    }

    private void Found(AssignedPartition partition, PartitionLeader leader)
    {
        lock (scheduler.Gate)
        {
            partition.LeaderEpoch = leader.Epoch;
            partition.TopicId = leader.TopicId;
            partition.Leader = leader.Broker;
            if (partition.FailedBroker == leader.Broker)
            {
                ReportBrokerFault();
            }
        }

        scheduler.Fetch(partition, leader.Broker);
    }

    private void ReportBrokerFault()
    {
        if (Interlocked.Exchange(ref _brokerFault, null) is { } fault)
        {
            scheduler.Report(fault);
        }
    }

    /// <summary>Whether a new leader's log is the one that was read so far.</summary>
    private async Task CompareAsync(int broker, (AssignedPartition Partition, PartitionLeader Leader)[] moved)
    {
        try
        {
            var answer = await scheduler
                .Cluster.AskAsync(
                    broker,
                    WireCluster.Control,
                    new OffsetForLeaderEpochRequest([
                        .. moved
                            .GroupBy(m => m.Partition.Partition.Topic)
                            .Select(g => new TopicEntries<EpochQuery>(
                                g.Key,
                                [.. g.Select(m => new EpochQuery(m.Partition.Partition.Partition, m.Leader.Epoch, m.Partition.LastEpoch))]
                            )),
                    ]),
                    closing
                )
                .ConfigureAwait(false);
            var ends = answer
                .Topics.SelectMany(topic => topic.Partitions.Select(end => (Key: (topic.Name, end.Partition), End: end)))
                .ToDictionary(end => end.Key, end => end.End);
            foreach (var (partition, leader) in moved)
            {
                if (ends.TryGetValue((partition.Partition.Topic, partition.Partition.Partition), out var end))
                {
                    Apply(partition, leader, end);
                }
                else
                {
                    SeekLater(partition);
                }
            }
        }
        catch (WireException tooOld) when (tooOld.Kind == WireFailure.VersionUnsupported)
        {
            // A broker before Kafka 2.1 cannot be asked; as far as it tells, the log is the same.
            foreach (var (partition, leader) in moved)
            {
                Found(partition, leader);
            }
        }
        catch (WireException passing) when (passing.IsTransient)
        {
            scheduler.Cluster.NoteLost(moved.Select(m => m.Partition.Partition.Topic).Distinct(StringComparer.Ordinal));
            foreach (var (partition, _) in moved)
            {
                SeekLater(partition);
            }
        }
    }

    private void Apply(AssignedPartition partition, PartitionLeader leader, in EpochEnd end)
    {
        switch (end.Error)
        {
            case WireErrorCode.None when end.EndOffset < partition.FetchOffset:
                scheduler.Fail(
                    partition,
                    new ReadFault(
                        ReadFaultKind.Truncated,
                        end.EndOffset,
                        "LOG_TRUNCATION",
                        $"the new leader's records of leader epoch {partition.LastEpoch} end at offset {end.EndOffset}"
                    )
                );
                break;
            case WireErrorCode.None:
            case WireErrorCode.TopicAuthorizationFailed or WireErrorCode.ClusterAuthorizationFailed:
                // Without the right to ask, the fetch says what it can.
                Found(partition, leader);
                break;
            default:
                scheduler.Cluster.NoteError(partition.Partition.Topic, partition.Partition.Partition, end.Error);
                SeekLater(partition);
                break;
        }
    }
}
