namespace KafkaBackup.Engine.Compare;

/// <summary>
/// What a comparison reports while it runs: records of all lanes, counted and shown now and then, and what could not be read.
/// </summary>
internal sealed class CompareProgress(IReadOnlyList<TopicPair> topics, TimeProvider clock, IEngineEvents events)
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(250);

    private readonly object _gate = new();
    private readonly long _start = clock.GetTimestamp();

    /// <summary>Of both sides, as far as offsets tell.</summary>
    private readonly long _total = topics
        .SelectMany(t => t.Partitions)
        .Sum(p => Math.Max(0, p.Reference.End - p.Reference.Start) + Math.Max(0, p.Difference.End - p.Difference.Start));

    private readonly HashSet<string> _failures = new(StringComparer.Ordinal);
    private long _records;
    private TimeSpan _shownAt;

    public void Verbose(string message) => events.Verbose(message);

    /// <summary>A refusal of a topic meets each of its partitions, and is reported once.</summary>
    public void Failed(KafkaBackupException error)
    {
        lock (_gate)
        {
            if (_failures.Add(error.Message))
            {
                events.Error(error);
            }
        }
    }

    public void Count(long records)
    {
        lock (_gate)
        {
            _records += records;
            var now = clock.GetElapsedTime(_start);
            if (now - _shownAt >= Pace)
            {
                _shownAt = now;
                events.Progress(new ProgressInfo("Comparing", _records, _total, 0, now, []));
            }
        }
    }
}
