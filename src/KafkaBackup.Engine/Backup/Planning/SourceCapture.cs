using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Looks at the source once: starts and ends of all partitions before anything is read (rule B1), where each continues (B8), what is
/// gone (B5), and where a consistent cut lies (B9).
/// </summary>
/// <param name="meeting">Compares logs with what is stored of them.</param>
/// <param name="mustMeet">
/// Topics whose logs are compared, unless an id proves them, although nothing may have come: they might have been created again and have
/// come just as far.
/// </param>
internal sealed class SourceCapture(
    IKafkaCluster cluster,
    BackupOptions options,
    LogMeeting meeting,
    Func<string, bool> mustMeet,
    TimeProvider clock,
    IEngineEvents events
)
{
    /// <summary>For how long a broker is believed that it does not know a partition yet that the cluster shows.</summary>
    private static readonly TimeSpan UnknownBudget = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan UnknownPause = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan TransactionPoll = TimeSpan.FromMilliseconds(250);

    /// <param name="topics">The topics to back up.</param>
    /// <param name="configs">Their configs, for the cleanup policy.</param>
    /// <param name="stored">What is stored of them.</param>
    /// <param name="cutAtMs">The instant of a consistent cut; null without.</param>
    public async Task<IReadOnlyList<PartitionWork>> CaptureAsync(
        IReadOnlyList<TopicDescription> topics,
        IReadOnlyDictionary<string, IReadOnlyList<TopicConfig>> configs,
        Manifest? stored,
        long? cutAtMs,
        CancellationToken cancel
    )
    {
        var partitions = topics.SelectMany(t => t.Partitions.Select(p => new TopicPartition(t.Name, p.Partition))).ToArray();
        var bound = options.IsolationLevel == IsolationLevel.ReadCommitted ? OffsetBound.LastStable : OffsetBound.HighWatermark;
        var starts = await AskAsync(partitions, OffsetBound.Earliest, cancel).ConfigureAwait(false);
        var marks = await FurtherAsync(starts, OffsetBound.HighWatermark, cancel).ConfigureAwait(false);
        var ends = bound == OffsetBound.HighWatermark ? marks : await FurtherAsync(marks, bound, cancel).ConfigureAwait(false);
        var cuts = cutAtMs is { } at ? await CutAsync(partitions, at, marks, ends, bound, cancel).ConfigureAwait(false) : null;

        var works = new List<PartitionWork>(partitions.Length);
        var tookUncommitted = stored?.Runs.Any(r => r.Isolation == IsolationLevel.ReadUncommitted) == true;
        var readsUncommitted = options.IsolationLevel == IsolationLevel.ReadUncommitted;
        var toMeet = new List<StoredLog>();
        foreach (var topic in topics)
        {
            var known = stored?.Topics.GetValueOrDefault(topic.Name);
            var recreated = Recreated(topic, known);
            var isProven = known?.TopicId is not null && topic.TopicId is not null;
            var compacted =
                configs
                    .GetValueOrDefault(topic.Name)
                    ?.Any(c => c.Name == "cleanup.policy" && c.Value?.Contains("compact", StringComparison.Ordinal) == true) == true;
            var demand = new Meeting(
                LastMayBeGone: compacted || (tookUncommitted && !readsUncommitted),
                MayMissCommitted: compacted || tookUncommitted || readsUncommitted,
                WhenQuiet: !isProven && mustMeet(topic.Name)
            );
            var own = new List<PartitionWork>(topic.Partitions.Count);
            foreach (var partition in topic.Partitions)
            {
                var id = new TopicPartition(topic.Name, partition.Partition);
                var entry = known?.Partitions.GetValueOrDefault(id.Partition);
                var work = Work(id, starts[id], ends[id], marks[id], entry, demand);
                work = work with
                {
                    TopicId = topic.TopicId,
                    TopicIsProven = isProven || (known is null && topic.TopicId is not null),
                    Refused = recreated ?? work.Refused,
                };
                own.Add(cuts is null || work.Refused is not null ? work : Cut(work, cuts[id], entry?.NextOffset, cutAtMs!.Value));
                if (demand.WhenQuiet && work.Refused is null && entry is not null)
                {
                    toMeet.Add(new StoredLog(id, entry, demand.MayMissCommitted));
                }
            }

            works.AddRange(own);
        }

        return StopTogether(works, await meeting.CompareAsync(toMeet, LogProber.Patience, cancel).ConfigureAwait(false));
    }

    /// <summary>
    /// Without ids a truncated log and a topic created again look the same: then none of the topic's partitions is continued (rule B8).
    /// </summary>
    private static IReadOnlyList<PartitionWork> StopTogether(
        IReadOnlyCollection<PartitionWork> works,
        IReadOnlyDictionary<TopicPartition, LogVerdict> met
    )
    {
        var judged = works
            .Select(w =>
                met.GetValueOrDefault(w.Id) is { } verdict ? w with { Refused = verdict.Other ?? verdict.Unknown ?? w.Refused } : w
            )
            .ToArray();
        var truncated = judged
            .Where(w => !w.TopicIsProven && w.Refused?.Definition == ErrorIds.LogTruncated)
            .GroupBy(w => w.Id.Topic, StringComparer.Ordinal)
            .ToDictionary(t => t.Key, t => t.First().Refused, StringComparer.Ordinal);
        return
        [
            .. judged.Select(w =>
                w.Refused is null && truncated.TryGetValue(w.Id.Topic, out var refused) ? w with { Refused = refused } : w
            ),
        ];
    }

    /// <summary>
    /// The cluster has just shown these partitions: a broker that does not know one has only just started, or the partition has only just
    /// been made.
    /// </summary>
    private async Task<IReadOnlyDictionary<TopicPartition, OffsetAnswer>> AskAsync(
        IReadOnlyCollection<TopicPartition> partitions,
        OffsetBound bound,
        CancellationToken cancel
    )
    {
        var wait = new WaitNotice(clock, events);
        var answers = new Dictionary<TopicPartition, OffsetAnswer>();
        var open = partitions;
        while (true)
        {
            foreach (var (id, answer) in await cluster.ListOffsetsAsync(open, bound, cancel).ConfigureAwait(false))
            {
                answers[id] = answer;
            }

            open = [.. open.Where(id => answers[id].Error?.Definition == ErrorIds.TopicNotFound)];
            if (open.Count == 0 || wait.Waited >= UnknownBudget)
            {
                wait.End(
                    open.Count == 0
                        ? "All partitions are known to their brokers."
                        : $"{open.Count} partitions are still unknown to their brokers."
                );
                return answers;
            }

            wait.Continue(() =>
                $"{open.Count} partitions are not known to their brokers yet, the first is {open.First()}. Waiting for up to {UnknownBudget.TotalSeconds:0} s."
            );
            await Task.Delay(UnknownPause, clock, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>The next bound. A partition that failed is not waited for once more; it keeps its error.</summary>
    private async Task<IReadOnlyDictionary<TopicPartition, OffsetAnswer>> FurtherAsync(
        IReadOnlyDictionary<TopicPartition, OffsetAnswer> before,
        OffsetBound bound,
        CancellationToken cancel
    )
    {
        var answered = before.Where(a => a.Value.Error is null).Select(a => a.Key).ToArray();
        var answers = await AskAsync(answered, bound, cancel).ConfigureAwait(false);
        return before.ToDictionary(a => a.Key, a => answers.GetValueOrDefault(a.Key) ?? a.Value);
    }

    private static KafkaBackupException? Recreated(TopicDescription topic, TopicEntry? known)
    {
        if (known is null)
        {
            return null;
        }

        if (known.TopicId is { } before && topic.TopicId is { } now && before != now)
        {
            return ErrorIds.TopicRecreated.With(
                $"Topic {topic.Name} was deleted and created again since the last run: its id was {before} and is now {now}.",
                topic.Name
            );
        }

        return topic.Partitions.Count < known.PartitionCount
            ? ErrorIds.TopicRecreated.With(
                $"Topic {topic.Name} was deleted and created again since the last run: it had {known.PartitionCount} partitions and now has {topic.Partitions.Count}.",
                topic.Name
            )
            : null;
    }

    private PartitionWork Work(
        TopicPartition id,
        OffsetAnswer start,
        OffsetAnswer end,
        OffsetAnswer mark,
        PartitionEntry? known,
        Meeting meeting
    )
    {
        if ((start.Error ?? end.Error ?? mark.Error) is { } error)
        {
            var at = known?.NextOffset ?? 0;
            return new PartitionWork
            {
                Id = id,
                CapturedStart = at,
                CapturedEnd = at,
                ReadFrom = at,
                StoreTo = at,
                Refused = error,
            };
        }

        var first = start.Offset ?? 0;
        // Retention may pass the last stable offset only when a whole transaction expires; a range never runs backwards.
        var last = Math.Max(first, end.Offset ?? first);
        var work = new PartitionWork
        {
            Id = id,
            CapturedStart = first,
            CapturedEnd = last,
            ReadFrom = first,
            StoreTo = last,
            HeldByTransaction = options.IsolationLevel == IsolationLevel.ReadCommitted && (mark.Offset ?? 0) > (end.Offset ?? 0),
            LastMayBeGone = meeting.LastMayBeGone,
            MayMissCommitted = meeting.MayMissCommitted,
        };
        return known is null ? Begin(work) : Continue(work, known, mark, end, meeting.WhenQuiet);
    }

    private PartitionWork Begin(PartitionWork work)
    {
        if (options.StartOffset.FromLatest)
        {
            return work with { ReadFrom = work.CapturedEnd };
        }

        if (!options.StartOffset.Offsets.TryGetValue(work.Id, out var from))
        {
            return work;
        }

        return from > work.CapturedEnd
            ? work with
            {
                Refused = ErrorIds.ConfigOutOfRange.With(
                    $"start_offset for {work.Id} is {from}, past the partition's end {work.CapturedEnd}.",
                    work.Id.ToString(),
                    "Give an offset inside the partition."
                ),
            }
            : work with
            {
                ReadFrom = Math.Max(from, work.CapturedStart),
            };
    }

    private PartitionWork Continue(PartitionWork work, PartitionEntry known, OffsetAnswer mark, OffsetAnswer end, bool meetsWhenQuiet)
    {
        var next = known.NextOffset;
        if ((mark.Offset ?? 0) < next)
        {
            return work with
            {
                ReadFrom = next,
                StoreTo = next,
                CapturedEnd = next,
                Refused = ErrorIds.LogTruncated.With(
                    $"Partition {work.Id} ends at offset {mark.Offset}, before offset {next} that is backed up: its log was truncated, or the topic was deleted and created again.",
                    work.Id.ToString()
                ),
            };
        }

        // The last stable offset cannot go back, but a run with read_uncommitted may have stored past it.
        var storeTo = Math.Max(next, work.StoreTo);
        if (work.CapturedStart > next)
        {
            events.Warning(
                $"Partition {work.Id}: offsets {next} to {work.CapturedStart - 1} were deleted by the source since the last run. The gap is recorded."
            );
            return work with
            {
                ReadFrom = work.CapturedStart,
                StoreTo = Math.Max(storeTo, work.CapturedStart),
                CapturedEnd = Math.Max(work.CapturedEnd, work.CapturedStart),
                Gap = new GapEntry(
                    next,
                    work.CapturedStart,
                    "deleted by the source before this run (retention or DeleteRecords)",
                    clock.GetUtcNow()
                ),
            };
        }

        var grown = storeTo > next;
        // A new leader may have begun with less than the old one had; a lower epoch is another log altogether.
        var ledAnew = known.LastRecord is { LeaderEpoch: >= 0 } last && end.LeaderEpoch >= 0 && end.LeaderEpoch != last.LeaderEpoch;
        return work with
        {
            ReadFrom = next,
            StoreTo = storeTo,
            CapturedEnd = Math.Max(work.CapturedEnd, next),
            Verify = (grown || ledAnew || meetsWhenQuiet) && known.LastRecord?.Offset >= work.CapturedStart ? known.LastRecord : null,
        };
    }

    /// <summary>
    /// Per partition the first offset stamped later than the instant; where there is none, the high watermark: all before it is stamped at
    /// or before it.
    /// </summary>
    private async Task<IReadOnlyDictionary<TopicPartition, CutPoint>> CutAsync(
        TopicPartition[] partitions,
        long atMs,
        IReadOnlyDictionary<TopicPartition, OffsetAnswer> marks,
        IReadOnlyDictionary<TopicPartition, OffsetAnswer> ends,
        OffsetBound bound,
        CancellationToken cancel
    )
    {
        var times = partitions.Where(p => ends[p].Error is null).ToDictionary(p => p, _ => atMs + 1);
        var found = await cluster.FindOffsetsByTimeAsync(times, IsolationLevel.ReadUncommitted, cancel).ConfigureAwait(false);
        var cuts = partitions.ToDictionary(
            p => p,
            p =>
                found.TryGetValue(p, out var answer)
                    ? new CutPoint(
                        answer.Error is not null ? null
                            : answer.Offset is >= 0 and var later ? later
                            : marks[p].Offset,
                        answer.Error
                    )
                    : new CutPoint(null)
        );
        if (bound == OffsetBound.LastStable)
        {
            await AwaitTransactionsAsync(cuts, ends, cancel).ConfigureAwait(false);
        }

        return cuts;
    }

    /// <summary>
    /// A transaction open across the cut would shorten its partition: gives it a while to end. Every partition that is held back waits,
    /// also one without a later record: a transaction that ends meanwhile is stored up to the cut in all of its partitions. Two limits
    /// remain, and are findings: of a transaction that wrote on both sides of the instant, only what is stamped up to it is stored; and
    /// where one stays open beyond the budget, its partition ends at the last stable offset, and what others committed behind that is in
    /// their other partitions only (<see cref="CutFindings"/>).
    /// </summary>
    private async Task AwaitTransactionsAsync(
        Dictionary<TopicPartition, CutPoint> cuts,
        IReadOnlyDictionary<TopicPartition, OffsetAnswer> ends,
        CancellationToken cancel
    )
    {
        var wait = new WaitNotice(clock, events);
        var held = cuts.Where(c => c.Value.Offset > ends[c.Key].Offset).Select(c => c.Key).ToList();
        foreach (var partition in held)
        {
            cuts[partition] = cuts[partition] with { MetTransaction = true };
        }

        while (held.Count > 0)
        {
            var stable = await cluster.ListOffsetsAsync(held, OffsetBound.LastStable, cancel).ConfigureAwait(false);
            held.RemoveAll(p => stable[p].Error is null && stable[p].Offset >= cuts[p].Offset);
            if (held.Count == 0 || wait.Waited >= options.TransactionWait)
            {
                wait.End(
                    held.Count == 0 ? "The transactions across the cut have ended." : "Waiting for the transactions across the cut ended."
                );
                break;
            }

            wait.Continue(() =>
                $"{held.Count} partitions have a transaction open across the cut, the first is {held[0]}. Waiting for up to {options.TransactionWait.TotalSeconds:0} s for it to end."
            );
            await Task.Delay(TransactionPoll, clock, cancel).ConfigureAwait(false);
        }

        foreach (var partition in held)
        {
            cuts[partition] = cuts[partition] with { IsHeld = true };
        }
    }

    private static PartitionWork Cut(PartitionWork work, CutPoint cut, long? stored, long atMs)
    {
        if (cut.Error is not null)
        {
            // Without a cut the partition would run past the instant unnoticed.
            return work with { Refused = cut.Error };
        }

        work = work with { CutAtMs = atMs, MetTransactionAtCut = cut.MetTransaction };
        if (cut.IsHeld)
        {
            return work with { HeldByTransaction = true, HeldBelowCut = cut.Offset };
        }

        if (cut.Offset is not { } at)
        {
            return work;
        }

        return at < stored
            ? throw ErrorIds.ConsistentCutImpossible.With(
                $"The cut lies at offset {at} of partition {work.Id}, but later records are backed up already.",
                work.Id.ToString(),
                "Give a later time, or a new backup id."
            )
            : work with
            {
                StoreTo = Math.Max(work.ReadFrom, at),
                CapturedEnd = Math.Max(work.CapturedEnd, at),
                HeldByTransaction = false,
            };
    }

    /// <summary>
    /// When our last record has to be met again, and whether stored records have to be there: for the run's own reader, and for one of
    /// committed records.
    /// </summary>
    private sealed record Meeting(bool LastMayBeGone, bool MayMissCommitted, bool WhenQuiet);

    /// <param name="Offset">Null where the captured end counts.</param>
    /// <param name="MetTransaction">A transaction was open across the cut.</param>
    /// <param name="IsHeld">It stayed open: the last stable offset counts instead.</param>
    private sealed record CutPoint(long? Offset, KafkaBackupException? Error = null, bool MetTransaction = false, bool IsHeld = false);
}
