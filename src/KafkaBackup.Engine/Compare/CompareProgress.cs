namespace KafkaBackup.Engine.Compare;

/// <summary>Counts records of all lanes and shows the sum now and then.</summary>
internal sealed class CompareProgress(IReadOnlyList<TopicPair> topics, TimeProvider clock, IEngineEvents events)
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(250);

    private readonly object _gate = new();
    private readonly long _start = clock.GetTimestamp();

    /// <summary>Of both sides, as far as offsets tell.</summary>
    private readonly long _total = topics.SelectMany(t => t.Partitions).Sum(p => Math.Max(0, p.Reference.End - p.Reference.Start) + Math.Max(0, p.Difference.End - p.Difference.Start));

    private long _records;
    private TimeSpan _shownAt;

    public void Verbose(string message) => events.Verbose(message);

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
