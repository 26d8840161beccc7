using System.Collections.Immutable;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// The manifest under construction: takes what partitions report, from several threads, and makes the next manifest from it. Progress of a
/// partition enters together with the segment that holds its records, so that no manifest can name one without the other (rule C1).
/// </summary>
internal sealed class ManifestDraft
{
    private readonly object _gate = new();
    private readonly Dictionary<string, TopicEntry> _topics;
    private readonly Dictionary<TopicPartition, PartitionEntry> _changed = [];
    private readonly ImmutableArray<RunEntry> _earlierRuns;
    private readonly ImmutableArray<GroupSnapshot> _earlierGroups;
    private GroupSnapshot? _groupsBefore,
        _groupsAfter;
    private Manifest _latest;
    private readonly List<GapInfo> _newGaps = [];
    private readonly HashSet<string> _withdrawn = new(StringComparer.Ordinal);
    private readonly List<string> _unnamed = [];
    private RunEntry _run;
    private bool _dirty = true; // The run itself is new.

    public ManifestDraft(Manifest basis, RunEntry run)
    {
        _latest = basis;
        _run = run;
        _topics = basis.Topics.ToDictionary(t => t.Key, t => t.Value, StringComparer.Ordinal);
        _earlierRuns = [.. basis.Runs];
        _earlierGroups = [.. basis.GroupSnapshots];
    }

    /// <summary>Gaps that this run noticed.</summary>
    public IReadOnlyList<GapInfo> NewGaps
    {
        get
        {
            lock (_gate)
            {
                return [.. _newGaps];
            }
        }
    }

    /// <summary>True when the next manifest would say something else than the last one made.</summary>
    public bool DiffersWith(bool complete)
    {
        lock (_gate)
        {
            return _dirty || complete != _latest.Complete;
        }
    }

    public RunEntry Run
    {
        get
        {
            lock (_gate)
            {
                return _run;
            }
        }
    }

    /// <summary>Adds a topic, or brings the description of a known one up to date, keeping what is stored of its partitions.</summary>
    public void Describe(TopicDescription topic, IReadOnlyDictionary<string, string> configs, IReadOnlyList<PartitionWork> partitions)
    {
        lock (_gate)
        {
            if (_withdrawn.Contains(topic.Name))
            {
                return;
            }

            var known = _topics.GetValueOrDefault(topic.Name);
            var sameConfigs =
                known is not null
                && known.Configs.Count == configs.Count
                && configs.All(c => known.Configs.TryGetValue(c.Key, out var v) && v == c.Value);
            var next = new TopicEntry
            {
                Name = topic.Name,
                TopicId = topic.TopicId ?? known?.TopicId,
                PartitionCount = Math.Max(topic.Partitions.Count, known?.PartitionCount ?? 0),
                ReplicationFactor = topic.ReplicationFactor,
                Configs = sameConfigs ? known!.Configs : configs,
                Partitions = known?.Partitions ?? ImmutableDictionary<int, PartitionEntry>.Empty,
            };
            if (next != known)
            {
                _topics[topic.Name] = next;
                _dirty = true;
            }

            foreach (var work in partitions)
            {
                Describe(work);
            }
        }
    }

    /// <summary>
    /// A durable segment, and with it the progress to just past its last record. False when its topic was withdrawn: then nothing names the
    /// segment.
    /// </summary>
    public bool Add(TopicPartition id, SegmentEntry segment, long nextOffset, LastRecord last)
    {
        lock (_gate)
        {
            var taken = Change(
                id,
                p => p with { Segments = Append(p.Segments, segment), NextOffset = Math.Max(p.NextOffset, nextOffset), LastRecord = last }
            );
            _run = _run with { RecordCount = _run.RecordCount + (taken ? segment.RecordCount : 0) }; // Also of a run that dies.
            if (!taken)
            {
                _unnamed.Add(segment.Key);
                _dirty = true;
            }

            return taken;
        }
    }

    /// <summary>The keys of segments that this run has written and that no manifest is going to name, once each.</summary>
    public IReadOnlyList<string> TakeUnnamed()
    {
        lock (_gate)
        {
            string[] taken = [.. _unnamed];
            _unnamed.Clear();
            return taken;
        }
    }

    /// <summary>
    /// Takes a topic back to what is committed of it, and lets nothing more of it in: what was read since may be another topic's.
    /// </summary>
    /// <param name="committed">Null when nothing is.</param>
    public void Withdraw(string topic, TopicEntry? committed)
    {
        lock (_gate)
        {
            Fold();
            var before = _topics[topic];
            _withdrawn.Add(topic);
            _newGaps.RemoveAll(g => g.Topic == topic);
            _topics[topic] =
                (committed ?? Emptied(before)) is var kept && kept.Partitions.Values.Any(p => p.Complete)
                    ? kept with
                    {
                        Partitions = kept.Partitions.ToDictionary(p => p.Key, p => p.Value with { Complete = false }),
                    }
                    : kept;
            _run = _run with { RecordCount = _run.RecordCount - Records(before) + Records(kept) };
            _dirty = true;
            var named = kept.Partitions.Values.SelectMany(p => p.Segments).Select(s => s.Key).ToHashSet(StringComparer.Ordinal);
            _unnamed.AddRange(before.Partitions.Values.SelectMany(p => p.Segments).Select(s => s.Key).Where(key => !named.Contains(key)));
        }
    }

    public void AddGap(TopicPartition id, GapEntry gap)
    {
        lock (_gate)
        {
            if (_withdrawn.Contains(id.Topic))
            {
                return;
            }

            _newGaps.Add(new GapInfo(id.Topic, id.Partition, gap.FromOffset, gap.ToOffset, gap.Reason));
            Change(id, p => p with { Gaps = [.. p.Gaps, gap], NextOffset = Math.Max(p.NextOffset, gap.ToOffset) });
        }
    }

    /// <summary>Everything up to the end was read: next is the captured end, not last record + 1 (rule B3).</summary>
    public void Complete(TopicPartition id, long nextOffset) =>
        Change(id, p => p with { NextOffset = Math.Max(p.NextOffset, nextOffset), Complete = true });

    /// <summary>Segments that were merged into one. False when their topic was withdrawn: then nothing names the merged one.</summary>
    public bool Replace(TopicPartition id, IReadOnlyList<SegmentEntry> inputs, SegmentEntry merged)
    {
        var keys = inputs.Select(i => i.Key).ToHashSet(StringComparer.Ordinal);
        lock (_gate)
        {
            var taken = Change(
                id,
                p =>
                {
                    var at = p.Segments.TakeWhile(s => !keys.Contains(s.Key)).Count();
                    return p with { Segments = ImmutableList.CreateRange(p.Segments.Where(s => !keys.Contains(s.Key))).Insert(at, merged) };
                }
            );
            if (!taken)
            {
                _unnamed.Add(merged.Key);
                _dirty = true;
            }

            return taken;
        }
    }

    /// <summary>The newest of this run or of earlier ones.</summary>
    public GroupSnapshot? Groups
    {
        get
        {
            lock (_gate)
            {
                return _groupsAfter ?? _groupsBefore ?? (_earlierGroups.Length == 0 ? null : _earlierGroups[^1]);
            }
        }
    }

    /// <summary>
    /// The first is from the run's beginning, the newest from after the data. One that says what the newest says is not kept.
    /// </summary>
    public void SetGroups(GroupSnapshot snapshot)
    {
        lock (_gate)
        {
            if (_groupsBefore is null)
            {
                _groupsBefore = snapshot;
            }
            else if (_groupsAfter is { } newest && SameOffsets(newest, snapshot))
            {
                return;
            }
            else
            {
                _groupsAfter = snapshot;
            }

            _dirty = true;
        }
    }

    public void SetRun(Func<RunEntry, RunEntry> change)
    {
        lock (_gate)
        {
            _run = change(_run);
            _dirty = true;
        }
    }

    /// <summary>As it will be in the next manifest.</summary>
    public PartitionEntry Partition(TopicPartition id) => Find(id) ?? throw new InvalidOperationException($"{id} has not been described.");

    /// <summary>The same; null for a partition of which nothing is known.</summary>
    public PartitionEntry? Find(TopicPartition id)
    {
        lock (_gate)
        {
            return _changed.GetValueOrDefault(id) ?? _topics.GetValueOrDefault(id.Topic)?.Partitions.GetValueOrDefault(id.Partition);
        }
    }

    /// <summary>All partitions as they will be in the next manifest.</summary>
    public IReadOnlyList<(TopicPartition Id, PartitionEntry Entry)> Partitions()
    {
        lock (_gate)
        {
            var all = new Dictionary<TopicPartition, PartitionEntry>();
            foreach (var topic in _topics.Values)
            {
                foreach (var entry in topic.Partitions.Values)
                {
                    all[new TopicPartition(topic.Name, entry.Partition)] = entry;
                }
            }

            foreach (var (id, entry) in _changed)
            {
                all[id] = entry;
            }

            return all.OrderBy(p => p.Key).Select(p => (p.Key, p.Value)).ToArray();
        }
    }

    /// <summary>All topics as they will be in the next manifest.</summary>
    public IReadOnlyDictionary<string, TopicEntry> Topics()
    {
        lock (_gate)
        {
            Fold();
            return new Dictionary<string, TopicEntry>(_topics, StringComparer.Ordinal);
        }
    }

    /// <summary>
    /// The next manifest. Entries that did not change are the very same objects, which is how a commit knows what to write.
    /// </summary>
    public Manifest Next(DateTimeOffset now, bool complete)
    {
        lock (_gate)
        {
            Fold();
            _dirty = false;
            GroupSnapshot[] groups =
                _groupsBefore is null ? [.. _earlierGroups]
                : _groupsAfter is null ? [_groupsBefore]
                : [_groupsBefore, _groupsAfter];
            _latest = _latest with
            {
                Generation = _latest.Generation + 1,
                UpdatedAt = now,
                Complete = complete,
                Runs = _earlierRuns.Add(_run),
                Topics = new Dictionary<string, TopicEntry>(_topics, StringComparer.Ordinal),
                GroupSnapshots = groups,
            };
            return _latest;
        }
    }

    /// <summary>Brings changed partitions into their topics.</summary>
    private void Fold()
    {
        foreach (var group in _changed.GroupBy(c => c.Key.Topic, StringComparer.Ordinal))
        {
            var topic = _topics[group.Key];
            var partitions = new Dictionary<int, PartitionEntry>(topic.Partitions);
            foreach (var (id, entry) in group)
            {
                partitions[id.Partition] = entry;
            }

            _topics[group.Key] = topic with { Partitions = partitions };
        }

        _changed.Clear();
    }

    private static long Records(TopicEntry topic) => topic.Partitions.Values.Sum(p => p.Segments.Sum(s => s.RecordCount));

    private static TopicEntry Emptied(TopicEntry topic) =>
        topic with
        {
            Partitions = topic.Partitions.ToDictionary(
                p => p.Key,
                p =>
                    p.Value with
                    {
                        NextOffset = p.Value.CapturedStart,
                        Complete = false,
                        Gaps = [],
                        Segments = ImmutableList<SegmentEntry>.Empty,
                        LastRecord = null,
                    }
            ),
        };

    private static PartitionEntry New(PartitionWork work) =>
        new()
        {
            Partition = work.Id.Partition,
            CapturedStart = work.CapturedStart,
            CapturedEnd = work.StoreTo,
            NextOffset = work.ReadFrom,
            Complete = false,
            Gaps = [],
            Segments = ImmutableList<SegmentEntry>.Empty,
        };

    private static bool SameOffsets(GroupSnapshot left, GroupSnapshot right) =>
        left.Groups.Count == right.Groups.Count
        && left.Groups.Zip(right.Groups).All(g => g.First.Group == g.Second.Group && g.First.Offsets.SequenceEqual(g.Second.Offsets));

    private void Describe(PartitionWork work)
    {
        var known = Find(work.Id);
        if (work.Refused is not null)
        {
            // Nothing is known of one that was never seen: described as empty, it would look like a gap to the next run.
            if (known is { Complete: true })
            {
                Change(work.Id, p => p with { Complete = false });
            }

            return;
        }

        var next = known is null
            ? New(work)
            : known with
            {
                CapturedStart = work.CapturedStart,
                CapturedEnd = work.StoreTo,
                Complete = known.Complete && work.HasNothingToRead,
                NextOffset = work.Gap is null ? Math.Max(known.NextOffset, work.ReadFrom) : known.NextOffset,
            };
        Change(work.Id, _ => next);
        if (work.Gap is { } gap)
        {
            AddGap(work.Id, gap);
        }
    }

    private static ImmutableList<SegmentEntry> Append(IReadOnlyList<SegmentEntry> segments, SegmentEntry segment) =>
        (segments as ImmutableList<SegmentEntry> ?? ImmutableList.CreateRange(segments)).Add(segment);

    /// <summary>False for a topic that was withdrawn.</summary>
    private bool Change(TopicPartition id, Func<PartitionEntry, PartitionEntry> change)
    {
        lock (_gate)
        {
            if (_withdrawn.Contains(id.Topic))
            {
                return false;
            }

            var before = Find(id);
            var after = change(before!);
            if (after != before)
            {
                _changed[id] = after;
                _dirty = true;
            }

            return true;
        }
    }
}
