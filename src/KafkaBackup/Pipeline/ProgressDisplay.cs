using System.Globalization;
using System.Management.Automation;
using KafkaBackup.Formatting;

namespace KafkaBackup.Pipeline;

/// <summary>Turns the engine's snapshots into PowerShell's progress: one line for all, one for each topic under way.</summary>
internal sealed class ProgressDisplay(Cmdlet cmdlet)
{
    private const int OverallId = 1;
    private const int ShownTopics = 4;

    private readonly Dictionary<string, int> _shown = new(StringComparer.Ordinal);
    private string? _activity;

    public void Show(ProgressInfo progress)
    {
        _activity = progress.Activity;
        cmdlet.WriteProgress(
            new ProgressRecord(OverallId, Display.Text(progress.Activity), Describe(progress))
            {
                PercentComplete = Percent(progress.Records, progress.TotalRecords),
                SecondsRemaining = progress.Remaining is { } left ? (int)Math.Min(left.TotalSeconds, int.MaxValue) : -1,
            }
        );

        var underWay = progress.Topics.Take(ShownTopics).ToArray();
        foreach (var gone in _shown.Keys.Except(underWay.Select(t => t.Topic), StringComparer.Ordinal).ToArray())
            Complete(gone);
        foreach (var topic in underWay)
        {
            cmdlet.WriteProgress(
                new ProgressRecord(IdOf(topic.Topic), Display.Text(topic.Topic), Describe(topic, progress.Elapsed))
                {
                    ParentActivityId = OverallId,
                    PercentComplete = Percent(topic.Records, topic.TotalRecords),
                    SecondsRemaining = Remaining(topic, progress.Elapsed),
                }
            );
        }
    }

    public void Complete()
    {
        foreach (var topic in _shown.Keys.ToArray())
            Complete(topic);
        if (_activity is not null)
            cmdlet.WriteProgress(
                new ProgressRecord(OverallId, Display.Text(_activity), "Done") { RecordType = ProgressRecordType.Completed }
            );
    }

    private void Complete(string topic)
    {
        cmdlet.WriteProgress(
            new ProgressRecord(_shown[topic], Display.Text(topic), "Done")
            {
                ParentActivityId = OverallId,
                RecordType = ProgressRecordType.Completed,
            }
        );
        _shown.Remove(topic);
    }

    /// <summary>The lowest number that no topic on display has.</summary>
    private int IdOf(string topic)
    {
        if (!_shown.TryGetValue(topic, out var id))
        {
            id = OverallId + 1;
            while (_shown.ContainsValue(id))
                id++;
            _shown.Add(topic, id);
        }

        return id;
    }

    private static string Describe(ProgressInfo progress)
    {
        var total = progress.TotalRecords is { } known ? string.Create(CultureInfo.InvariantCulture, $" of {known:N0}") : "";
        return string.Create(CultureInfo.InvariantCulture, $"{progress.Records:N0}{total} records, {progress.RecordsPerSecond:N0}/s");
    }

    private static string Describe(TopicProgress topic, TimeSpan elapsed)
    {
        var total = topic.TotalRecords is { } known ? string.Create(CultureInfo.InvariantCulture, $" of {known:N0}") : "";
        var rate = elapsed > TimeSpan.Zero ? topic.Records / elapsed.TotalSeconds : 0;
        return string.Create(CultureInfo.InvariantCulture, $"{topic.Records:N0}{total} records, {rate:N0}/s");
    }

    private static int Percent(long records, long? total) => total > 0 ? (int)Math.Clamp(records * 100.0 / total.Value, 0, 100) : -1;

    private static int Remaining(TopicProgress topic, TimeSpan elapsed) =>
        topic is { TotalRecords: { } total, Records: > 0 } && total >= topic.Records
            ? (int)Math.Min(elapsed.TotalSeconds / topic.Records * (total - topic.Records), int.MaxValue)
            : -1;
}
