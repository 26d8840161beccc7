namespace KafkaBackup.Engine.Backup;

/// <summary>Counts what a run has read and shows it now and then. Written by the reader thread only.</summary>
internal sealed class RunProgress(IEngineEvents events, TimeProvider clock, long totalOffsets)
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(250);

    private readonly long _start = clock.GetTimestamp();
    private readonly Dictionary<string, (long Done, long Total)> _topics = new(StringComparer.Ordinal);
    private long _shownAt;
    private long _doneRecords;
    private long _doneBytes;

    /// <summary>A partition is over; what it read stays in the sums.</summary>
    public void Finish(PartitionReading reading)
    {
        _doneRecords += reading.Records;
        _doneBytes += reading.Bytes;
        var (done, total) = _topics.GetValueOrDefault(reading.Work.Id.Topic);
        _topics[reading.Work.Id.Topic] = (done + reading.Records, total);
    }

    public void Expect(PartitionWork work)
    {
        var (done, total) = _topics.GetValueOrDefault(work.Id.Topic);
        _topics[work.Id.Topic] = (done, total + Math.Max(0, work.StoreTo - work.ReadFrom));
    }

    public void Show(IEnumerable<PartitionReading> underWay, bool now = false)
    {
        if (!now && _shownAt != 0 && clock.GetElapsedTime(_shownAt) < Pace)
        {
            return;
        }

        _shownAt = clock.GetTimestamp();
        var records = _doneRecords;
        var bytes = _doneBytes;
        var topics = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var reading in underWay)
        {
            records += reading.Records;
            bytes += reading.Bytes;
            topics[reading.Work.Id.Topic] = topics.GetValueOrDefault(reading.Work.Id.Topic) + reading.Records;
        }

        var shown = topics
            .Select(t => new TopicProgress(t.Key, t.Value + _topics.GetValueOrDefault(t.Key).Done, _topics.GetValueOrDefault(t.Key).Total))
            .ToArray();
        events.Progress(new ProgressInfo("Backing up", records, totalOffsets, bytes, clock.GetElapsedTime(_start), shown));
    }
}
