using System.Collections.Concurrent;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Backup;

/// <summary>What a log looks like after a position of ours was refused, or gave nothing.</summary>
/// <param name="Last">Our newest stored record of the partition.</param>
/// <param name="Error">Set when it could not be found out.</param>
internal sealed record LogSituation(long Start, long End, LastRecord? Last, KafkaBackupException? Error = null);

/// <summary>
/// A position outside of the log (rule B16): either its start moved past us, which is a gap, or its end came back, a truncation; if it is
/// neither, the log may have been truncated and have grown again, so our newest record has to be met again.
/// </summary>
internal sealed class LogInspection(RunScope run)
{
    /// <summary>As long as brokers take to start and to learn which topics there are.</summary>
    private static readonly TimeSpan TopicPatience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan TopicPause = TimeSpan.FromMilliseconds(250);

    private readonly object _gate = new();

    /// <summary>Since when the cluster has been answering without a topic.</summary>
    private readonly ConcurrentDictionary<string, long> _absentSince = new(StringComparer.Ordinal);

    /// <summary>Announced once for each topic.</summary>
    private readonly ConcurrentDictionary<string, WaitNotice> _waits = new(StringComparer.Ordinal);

    private Task<ClusterDescription>? _description;
    private long _describedAt;

    /// <summary>Never throws.</summary>
    public async Task<LogSituation> LookAsync(PartitionReading reading, CancellationToken stop)
    {
        var id = reading.Work.Id;
        try
        {
            // Only then does the manifest-to-be know our newest record.
            await reading.Line.Drained.ConfigureAwait(false);
            var start = await AskAsync(id, OffsetBound.Earliest, stop).ConfigureAwait(false);
            var end = await AskAsync(id, OffsetBound.HighWatermark, stop).ConfigureAwait(false);
            return (start.Error ?? end.Error) is { } error
                ? new LogSituation(0, 0, null, error)
                : new LogSituation(start.Offset ?? 0, end.Offset ?? 0, run.Draft.Partition(id).LastRecord);
        }
        catch (KafkaBackupException error)
        {
            return new LogSituation(0, 0, null, error);
        }
        catch (OperationCanceledException)
        {
            return new LogSituation(0, 0, null, ErrorIds.Stopped.With($"Looking at partition {id} was given up.", id.ToString()));
        }
    }

    /// <summary>
    /// Only our newest record, to be met again unless it was gone at the capture; the cluster, which may be away, is not asked. Never
    /// throws.
    /// </summary>
    public async Task<LogSituation> RecallAsync(PartitionReading reading)
    {
        await reading.Line.Drained.ConfigureAwait(false);
        return new LogSituation(reading.Work.CapturedStart, long.MaxValue, run.Draft.Partition(reading.Work.Id).LastRecord);
    }

    /// <summary>
    /// Whether the cluster has been answering without the topic for so long that it is gone: then nobody waits for its other partitions, of
    /// which there may be thousands.
    /// </summary>
    public bool IsGone(string topic) => _absentSince.TryGetValue(topic, out var since) && run.Clock.GetElapsedTime(since) >= TopicPatience;

    /// <summary>
    /// A broker does not know the partition. That is the end only when the cluster goes on answering and does not show it: one that has
    /// just started, or is away, is waited for. Never throws.
    /// </summary>
    /// <param name="since">When the partition was first unknown.</param>
    public async Task<LogSituation> AwaitTopicAsync(PartitionReading reading, ReadFault fault, long since, CancellationToken stop)
    {
        var id = reading.Work.Id;
        KafkaBackupException last;
        run.Events.Verbose($"The broker does not know partition {id} ({fault.Code}).");
        var wait = _waits.GetOrAdd(id.Topic, _ => new WaitNotice(run.Clock, run.Events));
        try
        {
            do
            {
                try
                {
                    var there = (await DescribeAsync(stop).ConfigureAwait(false)).Topics.GetValueOrDefault(id.Topic);
                    Note(id.Topic, there is not null);
                    if (run.Clock.GetElapsedTime(since) < TopicPatience && there?.Partitions.Any(p => p.Partition == id.Partition) == true)
                    {
                        wait.End($"The cluster shows topic {id.Topic}.");
                        return reading.Work.TopicId is { } before && there.TopicId is { } now && before != now
                            ? new LogSituation(0, 0, null, SourceProof.Recreated(id.Topic, before, now))
                            : await RecallAsync(reading).ConfigureAwait(false);
                    }

                    last = Describe(id, reading.Next, fault);
                    if (IsGone(id.Topic))
                    {
                        break;
                    }
                }
                catch (KafkaBackupException error)
                {
                    Note(id.Topic, isThere: true);
                    last = error;
                }

                wait.Continue(() =>
                    $"Topic {id.Topic} is not known to its broker, or the cluster is away. Waiting for it for up to {TopicPatience.TotalSeconds:0} s."
                );
                await Task.Delay(TopicPause, run.Clock, stop).ConfigureAwait(false);
            } while (run.Clock.GetElapsedTime(since) < TopicPatience || _absentSince.ContainsKey(id.Topic));
            return new LogSituation(0, 0, null, last);
        }
        catch (OperationCanceledException)
        {
            return new LogSituation(0, 0, null, ErrorIds.Stopped.With($"Waiting for partition {id} was given up.", id.ToString()));
        }
    }

    public void Apply(PartitionReading reading, LogSituation found)
    {
        var id = reading.Work.Id;
        if (found.Error is { } error)
        {
            reading.Fail(error);
        }
        else if (found.End < reading.Next)
        {
            reading.Fail(
                ErrorIds.LogTruncated.With(
                    $"Partition {id} now ends at offset {found.End}, before offset {reading.Next} that had been reached: its log was truncated.",
                    id.ToString()
                )
            );
        }
        else if (found.Start > reading.Next)
        {
            Skip(reading, found.Start);
        }
        else if (found.Start > reading.Position)
        {
            // Only our last record, which was to be met again, is gone: what follows it is all there.
            reading.SkipTo(reading.Next);
        }
        else if (found.Last is { } last && last.Offset >= found.Start && last.Offset < reading.Next)
        {
            reading.MeetAgain(last);
        }
    }

    /// <summary>
    /// Why a partition gave nothing below its end: the log may have been cut since the end was captured, above what was read.
    /// </summary>
    public static KafkaBackupException GaveNothing(
        PartitionReading reading,
        LogSituation found,
        TimeSpan waited,
        KafkaBackupException? clusterFault
    )
    {
        var id = reading.Work.Id;
        if (found.Error is null && found.End < reading.Work.CountTo)
        {
            return ErrorIds.LogTruncated.With(
                $"Partition {id} now ends at offset {found.End}, before offset {reading.Work.CountTo} where it ended when this run began: its log was truncated.",
                id.ToString()
            );
        }

        var cause = clusterFault ?? found.Error;
        var said = cause is null ? "" : $" The last error was: {cause.Message}";
        return ErrorIds.PartitionStalled.With(
            $"Partition {id} gave nothing for {waited.TotalSeconds:0} s at offset {reading.Next}, below its end {reading.Work.CountTo}.{said}",
            id.ToString(),
            inner: cause
        );
    }

    /// <summary>Out of range, time after time, though the log says otherwise.</summary>
    public static KafkaBackupException Refused(PartitionReading reading, ReadFault fault) =>
        ErrorIds.PartitionRead.With(
            $"Partition {reading.Work.Id}: the broker refuses offset {reading.Position}, which is inside its log ({fault.Code}).",
            reading.Work.Id.ToString()
        );

    /// <summary>The broker says so: up to the offset the log is the one that was read, and beyond it is another.</summary>
    public static KafkaBackupException Truncated(PartitionReading reading, long same) =>
        ErrorIds.LogTruncated.With(
            $"Partition {reading.Work.Id}: its log was truncated at offset {same}, before offset {reading.Next} that had been reached.",
            reading.Work.Id.ToString()
        );

    /// <summary>A batch whose checksum is right, so its producer sent it like that, or the broker rewrote it (rule L2).</summary>
    /// <param name="offset">The first that is not backed up.</param>
    public static KafkaBackupException Damaged(TopicPartition id, long offset, string problem) =>
        ErrorIds.PartitionRead.With(
            $"Partition {id} has a batch at offset {offset} that cannot be decoded, although its checksum is right: {problem} Everything before it is backed up.",
            id.ToString(),
            "No consumer can read it either. Delete the records up to the end of that batch; the backup goes on behind it and records the gap."
        );

    /// <param name="at">Where the reading stands.</param>
    public static KafkaBackupException Describe(TopicPartition id, long at, ReadFault fault)
    {
        return fault.Kind switch
        {
            ReadFaultKind.Unauthorized => ErrorIds.ClusterUnauthorized.With(
                $"Reading topic {id.Topic} was refused ({fault.Code}).",
                id.Topic,
                $"Grant this user READ and DESCRIBE on topic {id.Topic}."
            ),
            ReadFaultKind.UnknownPartition => Gone(id, $" ({fault.Code})"),
            ReadFaultKind.Recreated => SourceProof.Recreated(id.Topic),
            ReadFaultKind.BadMessage => ErrorIds.PartitionRead.With(
                $"Partition {id} has a damaged batch at or after offset {at}: {fault.Message} ({fault.Code}). Everything before it is backed up.",
                id.ToString(),
                "The broker's log is damaged there: let another replica lead the partition, then run again."
            ),
            _ => ErrorIds.PartitionRead.With(
                $"Partition {id} could not be read at offset {at}: {fault.Message} ({fault.Code}).",
                id.ToString()
            ),
        };
    }

    /// <param name="isThere">Also where the cluster did not answer: that says nothing about the topic.</param>
    private void Note(string topic, bool isThere)
    {
        if (isThere)
        {
            _absentSince.TryRemove(topic, out _);
        }
        else
        {
            _absentSince.TryAdd(topic, run.Clock.GetTimestamp());
        }
    }

    /// <summary>One question for all the partitions that wait.</summary>
    private Task<ClusterDescription> DescribeAsync(CancellationToken stop)
    {
        lock (_gate)
        {
            if (_description is not { IsFaulted: false, IsCanceled: false } || run.Clock.GetElapsedTime(_describedAt) >= TopicPause)
            {
                (_description, _describedAt) = (run.Cluster.DescribeAsync(stop), run.Clock.GetTimestamp());
            }

            return _description;
        }
    }

    public static KafkaBackupException Gone(TopicPartition id, string code = "") =>
        ErrorIds.TopicNotFound.With($"Partition {id} is not there any more{code}.", id.ToString());

    private void Skip(PartitionReading reading, long start)
    {
        var id = reading.Work.Id;
        var to = Math.Min(start, reading.Work.StoreTo);
        if (to > reading.Next)
        {
            reading.CloseSegment();
            reading.Line.AddGap(
                new GapEntry(
                    reading.Next,
                    to,
                    "deleted by the source while they were to be read (retention or DeleteRecords)",
                    run.Clock.GetUtcNow()
                )
            );
            run.Status.CountGap();
            run.Events.Warning(
                $"Partition {id}: offsets {reading.Next} to {to - 1} were deleted by the source before they could be read. The gap is recorded."
            );
        }

        reading.SkipTo(Math.Max(to, start));
    }

    private async Task<OffsetAnswer> AskAsync(TopicPartition id, OffsetBound bound, CancellationToken stop) =>
        (await run.Cluster.ListOffsetsAsync([id], bound, stop).ConfigureAwait(false))[id];
}
