namespace KafkaBackup.Demo.Show;

/// <summary>What the broker acknowledged and the producer committed: the truth that everything else is held against.</summary>
internal sealed class Ledger
{
    private readonly object _gate = new();
    private readonly SortedDictionary<int, List<Entry>> _partitions = [];
    private long _committed;
    private long _aborted;

    /// <summary>Records of committed transactions.</summary>
    public long Committed => Interlocked.Read(ref _committed);

    /// <summary>Records that a transaction took back.</summary>
    public long Aborted => Interlocked.Read(ref _aborted);

    public void Commit(IReadOnlyList<(int Partition, Entry Entry)> records)
    {
        lock (_gate)
        {
            foreach (var (partition, entry) in records)
            {
                if (!_partitions.TryGetValue(partition, out var entries))
                    _partitions[partition] = entries = [];
                entries.Add(entry);
            }

            _committed += records.Count;
        }
    }

    public void Abort(int records) => Interlocked.Add(ref _aborted, records);

    /// <summary>The records of a partition from an offset up to another, exclusive, in the order of their offsets.</summary>
    public IReadOnlyList<Entry> Range(int partition, long from, long to)
    {
        lock (_gate)
            return _partitions.TryGetValue(partition, out var entries)
                ? [.. entries.Where(e => e.Offset >= from && e.Offset < to).OrderBy(e => e.Offset)]
                : [];
    }

    internal sealed record Entry(long Offset, string Imprint);
}
