using System.Collections.Immutable;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// The manifest under construction: takes what partitions report, from several threads, and makes the next manifest from it. Progress of a
/// partition enters together with the segment that holds its records, so that no manifest can name one without the other (SEMANTICS C1).
/// </summary>
internal sealed class ManifestDraft
{
    private readonly object _gate = new();
    private readonly Dictionary<string, TopicEntry> _topics;
    private readonly Dictionary<TopicPartition, PartitionEntry> _changed = [];
    private readonly ImmutableArray<RunEntry> _earlierRuns;
    private readonly ImmutableArray<GroupSnapshot> _earlierGroups;
    private GroupSnapshot? _groupsBefore;
    private GroupSnapshot? _groupsAfter;
    private Manifest _latest;
    private RunEntry _run;
    private bool _dirty;

    public ManifestDraft(Manifest basis, RunEntry run)
    {
        _latest = basis;
        _run = run;
        _topics = basis.Topics.ToDictionary(t => t.Key, t => t.Value, StringComparer.Ordinal);
        _earlierRuns = [.. basis.Runs];
        _earlierGroups = [.. basis.GroupSnapshots];
    }

    /// <summary>True when something has changed since the last manifest was made.</summary>
    public bool HasChanges
    {
        get
        {
            lock (_gate)
            {
                return _dirty;
            }
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
    public void Describe(string name, string? topicId, int replicationFactor, IReadOnlyDictionary<string, string> configs, IEnumerable<PartitionWork> partitions)
    {
        lock (_gate)
        {
            var known = _topics.GetValueOrDefault(name);
            var entries = new Dictionary<int, PartitionEntry>(known?.Partitions ?? ImmutableDictionary<int, PartitionEntry>.Empty);
            foreach (var work in partitions)
            {
                var entry = _changed.GetValueOrDefault(work.Id) ?? entries.GetValueOrDefault(work.Id.Partition);
                entries[work.Id.Partition] = work.Refused is not null && entry is not null
                    ? entry with { Complete = false }
                    : Described(entry, work);
            }

            _topics[name] = new TopicEntry
            {
                Name = name,
                TopicId = topicId ?? known?.TopicId,
                PartitionCount = entries.Count,
                ReplicationFactor = replicationFactor,
                Configs = configs,
                Partitions = entries,
            };
            foreach (var work in partitions)
            {
                _changed.Remove(work.Id);
            }

            _dirty = true;
        }
    }

    /// <summary>A durable segment, and with it the progress to just past its last record.</summary>
    public void Add(TopicPartition id, SegmentEntry segment, long nextOffset, LastRecord last) => Change(id, p => p with
    {
        Segments = Append(p.Segments, segment),
        NextOffset = Math.Max(p.NextOffset, nextOffset),
        LastRecord = last,
    });

    public void AddGap(TopicPartition id, GapEntry gap) => Change(id, p => p with
    {
        Gaps = [.. p.Gaps, gap],
        NextOffset = Math.Max(p.NextOffset, gap.ToOffset),
    });

    /// <summary>Everything up to the end was read: next is the captured end, not last record + 1 (SEMANTICS B3).</summary>
    public void Complete(TopicPartition id, long nextOffset) => Change(id, p => p with
    {
        NextOffset = Math.Max(p.NextOffset, nextOffset),
        Complete = true,
    });

    /// <summary>Segments that were merged into one.</summary>
    public void Replace(TopicPartition id, IReadOnlyList<SegmentEntry> inputs, SegmentEntry merged) => Change(id, p =>
    {
        var keys = inputs.Select(i => i.Key).ToHashSet(StringComparer.Ordinal);
        var at = p.Segments.TakeWhile(s => !keys.Contains(s.Key)).Count();
        var kept = p.Segments.Where(s => !keys.Contains(s.Key)).ToList();
        kept.Insert(at, merged);
        return p with { Segments = ImmutableList.CreateRange(kept) };
    });

    public void SetGroups(GroupSnapshot snapshot)
    {
        lock (_gate)
        {
            if (_groupsBefore is null)
            {
                _groupsBefore = snapshot;
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

    public PartitionEntry Partition(TopicPartition id)
    {
        lock (_gate)
        {
            return _changed.GetValueOrDefault(id) ?? _topics[id.Topic].Partitions[id.Partition];
        }
    }

    /// <summary>The next manifest. Entries that did not change are the very same objects, which is how a commit knows what to write.</summary>
    public Manifest Next(DateTimeOffset now, bool complete)
    {
        lock (_gate)
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
            _dirty = false;
            GroupSnapshot[] groups = _groupsBefore is null ? [.. _earlierGroups] : _groupsAfter is null ? [_groupsBefore] : [_groupsBefore, _groupsAfter];
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

    private static PartitionEntry Described(PartitionEntry? entry, PartitionWork work) => entry is null
        ? new PartitionEntry
        {
            Partition = work.Id.Partition,
            CapturedStart = work.CapturedStart,
            CapturedEnd = work.StoreTo,
            NextOffset = work.ReadFrom,
            Complete = false,
            Gaps = work.Gap is null ? [] : [work.Gap],
            Segments = ImmutableList<SegmentEntry>.Empty,
        }
        : entry with
        {
            CapturedStart = work.CapturedStart,
            CapturedEnd = work.StoreTo,
            Complete = false,
            NextOffset = Math.Max(entry.NextOffset, work.ReadFrom),
            Gaps = work.Gap is null ? entry.Gaps : [.. entry.Gaps, work.Gap],
        };

    private static ImmutableList<SegmentEntry> Append(IReadOnlyList<SegmentEntry> segments, SegmentEntry segment) =>
        (segments as ImmutableList<SegmentEntry> ?? ImmutableList.CreateRange(segments)).Add(segment);

    private void Change(TopicPartition id, Func<PartitionEntry, PartitionEntry> change)
    {
        lock (_gate)
        {
            _changed[id] = change(_changed.GetValueOrDefault(id) ?? _topics[id.Topic].Partitions[id.Partition]);
            _dirty = true;
        }
    }
}
