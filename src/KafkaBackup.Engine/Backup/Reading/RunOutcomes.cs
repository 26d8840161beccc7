namespace KafkaBackup.Engine.Backup;

/// <summary>What became of each partition over a run; a continuous run's passes add up.</summary>
internal sealed class RunOutcomes(IEngineEvents events)
{
    private readonly SortedDictionary<TopicPartition, PartitionOutcome> _outcomes = [];
    private readonly HashSet<string> _told = new(StringComparer.Ordinal);

    /// <summary>Set when what the backup names is not in the store any more: then it is not complete, whatever this run adds.</summary>
    public KafkaBackupException? Lost { get; init; }

    public IReadOnlyCollection<PartitionOutcome> All => _outcomes.Values;

    public long Records => _outcomes.Values.Sum(o => o.Records);

    /// <summary>
    /// A store that cannot be written ends the whole run, after what was durable has been committed. The first cause, not what followed
    /// from it.
    /// </summary>
    public KafkaBackupException? StoreFailure { get; private set; }

    public void Add(IReadOnlyCollection<PartitionOutcome> outcomes)
    {
        StoreFailure ??= outcomes
            .Where(o => o.StoreFailed)
            .Select(o => o.Error!)
            .OrderBy(e => e.Definition == ErrorIds.Stopped)
            .FirstOrDefault();
        foreach (var outcome in outcomes)
        {
            _outcomes[outcome.Work.Id] = _outcomes.TryGetValue(outcome.Work.Id, out var before) ? before.Then(outcome) : outcome;
        }
    }

    /// <summary>
    /// Topics that failed as a whole, maybe after their partitions were read; what they keep is what the draft has of them.
    /// </summary>
    public void Fail(IReadOnlyDictionary<string, KafkaBackupException> topics, ManifestDraft draft)
    {
        foreach (var outcome in _outcomes.Values.Where(o => topics.ContainsKey(o.Work.Id.Topic) && !o.StoreFailed).ToArray())
        {
            var kept = draft.Find(outcome.Work.Id)?.Segments.Where(s => s.RunId == draft.Run.RunId).ToArray() ?? [];
            _outcomes[outcome.Work.Id] = outcome with
            {
                Status = PartitionStatus.Failed,
                Error = topics[outcome.Work.Id.Topic],
                StoredTo = draft.Find(outcome.Work.Id)?.NextOffset ?? outcome.Work.ReadFrom,
                Records = Math.Min(outcome.Records, kept.Sum(s => s.RecordCount)),
                Bytes = Math.Min(outcome.Bytes, kept.Sum(s => s.Bytes)),
                StoredBytes = Math.Min(outcome.StoredBytes, kept.Sum(s => s.StoredBytes)),
                Segments = Math.Min(outcome.Segments, kept.Length),
                Timestamps = kept.Length == 0 ? null : outcome.Timestamps,
            };
        }
    }

    /// <summary>
    /// Says of each partition once why it failed, and again only when it fails for another reason (rule B15). What is the matter with a
    /// whole topic is said once, not for each of its partitions.
    /// </summary>
    public void TellFailures()
    {
        if (Lost is not null && _told.Add(Lost.ErrorId))
        {
            events.Error(Lost);
        }

        foreach (var outcome in All)
        {
            if (
                outcome is { Error: { } error, StoreFailed: false }
                && _told.Add($"{error.TargetObject ?? outcome.Work.Id} {error.ErrorId}")
            )
            {
                events.Error(error);
            }
        }
    }

    public BackupStatus State(bool stopped)
    {
        if (All.Any(o => o.Status == PartitionStatus.Failed))
        {
            return All.All(o => o.Status == PartitionStatus.Failed) ? BackupStatus.Failed : BackupStatus.Incomplete;
        }

        return stopped ? BackupStatus.Stopped
            : Lost is null && All.All(o => o.Status == PartitionStatus.Complete) ? BackupStatus.Complete
            : BackupStatus.Incomplete;
    }
}
