namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Counts what a pass has read and shows it now and then, on the reader thread: records as they are read, bytes as workers have counted
/// them.
/// </summary>
internal sealed class RunProgress
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(250);

    private readonly RunScope _run;
    private readonly long _start;
    private readonly long _totalOffsets;
    private readonly Dictionary<string, (long Done, long Total)> _topics = new(StringComparer.Ordinal);
    private long _shownAt;
    private long _doneRecords;
    private long _bytes;
    private long _countedRecords;
    private long _countedBytes;

    public RunProgress(RunScope run, IReadOnlyCollection<PartitionWork> works)
    {
        _run = run;
        _start = run.Clock.GetTimestamp();
        foreach (var topic in works.GroupBy(w => w.Id.Topic, StringComparer.Ordinal))
        {
            var total = topic.Sum(w => Math.Max(0, w.StoreTo - w.ReadFrom));
            _topics[topic.Key] = (0, total);
            _totalOffsets += total;
        }
    }

    /// <summary>From any thread: so much payload was found in what was read.</summary>
    public void AddBytes(long payload) => Interlocked.Add(ref _bytes, payload);

    /// <summary>A partition is over; what it read stays in the sums.</summary>
    public void Finish(PartitionReading reading)
    {
        _doneRecords += reading.Records;
        var (done, total) = _topics[reading.Work.Id.Topic];
        _topics[reading.Work.Id.Topic] = (done + reading.Records, total);
        _run.Status.SetLag(reading.Work.Id, reading.Failure is null && reading.ReachedEnd ? 0 : reading.Work.StoreTo - reading.Next);
    }

    public void Show(IEnumerable<PartitionReading> underWay, bool now = false)
    {
        if (!now && _shownAt != 0 && _run.Clock.GetElapsedTime(_shownAt) < Pace)
        {
            return;
        }

        _shownAt = _run.Clock.GetTimestamp();
        var records = _doneRecords;
        var bytes = Interlocked.Read(ref _bytes);
        var topics = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var reading in underWay)
        {
            records += reading.Records;
            topics[reading.Work.Id.Topic] = topics.GetValueOrDefault(reading.Work.Id.Topic) + reading.Records;
            _run.Status.SetLag(reading.Work.Id, Math.Max(0, reading.Work.StoreTo - reading.Next));
        }

        _run.Status.Count(records - _countedRecords, bytes - _countedBytes);
        (_countedRecords, _countedBytes) = (records, bytes);
        var shown = topics.Select(t => new TopicProgress(t.Key, t.Value + _topics[t.Key].Done, _topics[t.Key].Total)).ToArray();
        _run.Events.Progress(new ProgressInfo("Backing up", records, _totalOffsets, bytes, _run.Clock.GetElapsedTime(_start), shown));
    }
}
