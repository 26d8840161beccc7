namespace KafkaBackup.Engine.Backup;

/// <summary>What became of each partition over a run; a continuous run's passes add up.</summary>
internal sealed class OutcomeBook
{
    private readonly SortedDictionary<TopicPartition, PartitionOutcome> _outcomes = [];

    public IReadOnlyCollection<PartitionOutcome> All => _outcomes.Values;

    public long Records => _outcomes.Values.Sum(o => o.Records);

    public IEnumerable<KafkaBackupException> Errors => _outcomes.Values.Select(o => o.Error).OfType<KafkaBackupException>();

    /// <summary>A store that cannot be written ends the whole run, after what was durable has been committed.</summary>
    public KafkaBackupException? StoreFailure => Errors.FirstOrDefault(e => e.ErrorId.StartsWith("Store", StringComparison.Ordinal));

    public void Add(IEnumerable<PartitionOutcome> outcomes)
    {
        foreach (var outcome in outcomes)
        {
            _outcomes[outcome.Work.Id] = _outcomes.TryGetValue(outcome.Work.Id, out var before) ? before.Then(outcome) : outcome;
        }
    }

    public BackupStatus State(bool stopped)
    {
        if (All.All(o => o.Status == PartitionStatus.Complete))
        {
            return BackupStatus.Complete;
        }

        if (All.All(o => o.Status == PartitionStatus.Failed))
        {
            return BackupStatus.Failed;
        }

        return stopped && All.All(o => o.Status != PartitionStatus.Failed) ? BackupStatus.Stopped : BackupStatus.Incomplete;
    }
}
