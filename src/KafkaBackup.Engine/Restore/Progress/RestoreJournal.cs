namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Keeps the checkpoint in step with a restore: written before the first record, every interval and at every stop, removed after success
/// (rule E3). Without a checkpoint path it keeps nothing.
/// </summary>
internal sealed class RestoreJournal
{
    private readonly RestoreWork _work;
    private readonly TimeProvider _clock;
    private readonly CheckpointFile? _file;
    private IReadOnlyList<PartitionProgress> _progress = [];
    private readonly object _saving = new();
    private long _startTime;

    public RestoreJournal(RestoreWork work, TimeProvider clock, IEngineEvents events)
    {
        _work = work;
        _clock = clock;
        _startTime = clock.GetUtcNow().ToUnixTimeMilliseconds();
        _file = work.Options.CheckpointPath is { } path ? new CheckpointFile(path) : null;
        var now = _file?.Read();
        _file?.RequireAsPlanned(work.Checkpoint, now);
        if (now is { } found)
        {
            _file!.RequireSameSettings(found, work.Options.Fingerprint);
            Found = found;
            _startTime = found.StartTime;
            events.Verbose(
                $"Checkpoint of {DateTimeOffset.FromUnixTimeMilliseconds(found.LastCheckpointTime):u}: {found.SegmentsCompleted.Count} segments completed, {found.RecordsRestored} records restored."
            );
        }
    }

    /// <summary>What an interrupted restore left; null when this one begins anew.</summary>
    public Checkpoint? Found { get; }

    public long? StartOffsetOf(TopicPartition target) => FoundOf(target)?.StartOffset;

    /// <summary>Null where the interrupted run had not begun, or was one of version 0.1.</summary>
    public TargetSequence? SequenceOf(TopicPartition target) => FoundOf(target)?.Sequence;

    /// <summary>Where the interrupted run's records lie, as far as its last checkpoint knew; null when that is not told.</summary>
    public IReadOnlyList<OffsetMap>? MapsOf(TargetWork target, long start)
    {
        var found = FoundOf(target.Target);
        return found?.Maps is { } maps && maps.Count == target.Sources.Count && found.StartOffset == start
            ? maps.Select(m => new OffsetMap(m.Chunk(3).Select(r => new OffsetRange(r[0], r[1], r[2])))).ToArray()
            : null;
    }

    /// <summary>Puts start offsets and sequences down; from here on a resume is exact.</summary>
    public void Begin(IReadOnlyList<PartitionProgress> progress)
    {
        _progress = progress;
        Save();
    }

    /// <summary>Any thread may call it. Before anything has begun there is nothing to write, and what was found stays.</summary>
    public void Save()
    {
        if (_file is not null && _progress.Count > 0)
        {
            lock (_saving)
            {
                Write(_file);
            }
        }
    }

    private void Write(CheckpointFile file)
    {
        // Keys as the store knows them: the backup's id first.
        var completed = new List<string>();
        var under = new List<SegmentProgress>();
        foreach (var partition in _progress)
        {
            AddSegments(partition, completed, under);
        }

        var transactional = _work.Options.Delivery == DeliveryMode.Transactional;
        var known = _progress.ToDictionary(p => p.Work.Target);
        var targets = _progress.Select(p => Target(p, transactional)).OfType<CheckpointTarget>().ToArray();
        file.Write(
            new Checkpoint
            {
                Version = Checkpoint.CurrentVersion,
                BackupId = _work.Options.BackupId,
                StartTime = _startTime,
                LastCheckpointTime = _clock.GetUtcNow().ToUnixTimeMilliseconds(),
                SegmentsCompleted = completed,
                SegmentsInProgress = under,
                RecordsRestored = targets.Sum(t => t.Records),
                BytesRestored = (Found?.BytesRestored ?? 0) + _progress.Sum(p => p.Bytes),
                ConfigHash = _work.Options.Fingerprint.Hash,
                Config = _work.Options.Fingerprint.Entries,
                TargetClusterId = _work.TargetClusterId,
                Generation = _work.Backup.Generation,
                Targets = targets,
                Plan = _work
                    .Targets.SelectMany(t => t.Sources.Select((s, i) => Source(s, known.GetValueOrDefault(t.Target)?.RestoredTo(i) ?? -1)))
                    .ToArray(),
            }
        );
    }

    private CheckpointTarget? FoundOf(TopicPartition target) =>
        Found?.Targets.FirstOrDefault(t => t.Topic == target.Topic && t.Partition == target.Partition);

    /// <summary>Of a partition whose turn has not come, what the interrupted run said; null when that is nothing.</summary>
    private CheckpointTarget? Target(PartitionProgress progress, bool transactional)
    {
        var target = progress.Work.Target;
        return progress.HasBegun
            ? new CheckpointTarget(
                target.Topic,
                target.Partition,
                progress.Start,
                progress.Done,
                progress.Work.RecordCount,
                transactional ? progress.MapsToKeep() : null,
                progress.Sequence
            )
            : FoundOf(target);
    }

    /// <summary>A partition that could not be resumed this time keeps what is known of it.</summary>
    private CheckpointSource Source(SourceWork source, long restoredTo)
    {
        var before =
            Found?.Plan.FirstOrDefault(p => p.Topic == source.Source.Topic && p.Partition == source.Source.Partition)?.RestoredTo ?? -1;
        var offsets = source.Offsets ?? new OffsetSpan(0, -1);
        return new CheckpointSource(
            source.Source.Topic,
            source.Source.Partition,
            offsets.First,
            offsets.Last,
            source.RecordCount,
            Math.Max(before, restoredTo),
            source.Choice.LeftOut
        );
    }

    /// <summary>After success a checkpoint would only mislead.</summary>
    public void Remove() => _file?.Remove();

    private void AddSegments(PartitionProgress partition, List<string> completed, List<SegmentProgress> under)
    {
        var left = partition.Done;
        foreach (var segment in partition.Work.Sources.SelectMany(s => s.Segments))
        {
            var key = $"{_work.Options.BackupId}/{segment.Entry.Key}";
            if (left >= segment.RecordCount)
            {
                completed.Add(key);
            }
            else if (left > 0)
            {
                under.Add(new SegmentProgress(key, left));
            }

            left = Math.Max(0, left - segment.RecordCount);
        }
    }
}
