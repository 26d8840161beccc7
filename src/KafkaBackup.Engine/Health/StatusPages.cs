using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace KafkaBackup.Engine.Health;

/// <summary>A status as the two pages that are served.</summary>
internal static class StatusPages
{
    /// <summary>Above it the lag is told by topic: a page of a hundred thousand lines helps nobody.</summary>
    private const int MostPartitions = 5_000;

    public static string Health(StatusView status) =>
        new JsonObject
        {
            ["status"] = status.Problem is null ? "healthy" : "unhealthy",
            ["problem"] = status.Problem,
            ["operation"] = status.Operation,
            ["backup_id"] = status.Target,
            ["started_at"] = status.StartedAt,
            ["last_commit_at"] = status.LastCommitAt,
            ["last_checked_at"] = status.LastSignAt,
            ["records"] = status.Records,
            ["bytes"] = status.Bytes,
            ["lag"] = status.Lag.Values.Sum(),
            ["gaps"] = status.Gaps,
            ["errors"] = status.Errors.Values.Sum(),
            ["last_error"] = status.LastError,
        }.ToJsonString(new JsonSerializerOptions { WriteIndented = true });

    public static string Metrics(StatusView status)
    {
        var page = new StringBuilder();
        var labels = $"operation=\"{Escape(status.Operation)}\",backup_id=\"{Escape(status.Target)}\"";
        var elapsed = Math.Max(0.001, (status.Now - status.StartedAt).TotalSeconds);
        Add("up", "gauge", "1 while healthy, else 0.", [(labels, status.Problem is null ? 1 : 0)]);
        Add("records_total", "counter", "Records handled.", [(labels, status.Records)]);
        Add("bytes_total", "counter", "Bytes of keys, values and headers handled.", [(labels, status.Bytes)]);
        Add("records_per_second", "gauge", "Records handled per second since the start.", [(labels, status.Records / elapsed)]);
        Add("bytes_per_second", "gauge", "Bytes handled per second since the start.", [(labels, status.Bytes / elapsed)]);
        Add("commits_total", "counter", "Commits of progress.", [(labels, status.Commits)]);
        Add(
            "last_commit_timestamp_seconds",
            "gauge",
            "When progress was last committed; 0 for never.",
            [(labels, Seconds(status.LastCommitAt))]
        );
        Add(
            "last_checked_timestamp_seconds",
            "gauge",
            "When all that was handled was last known to be committed, also when nothing new had come; 0 for never.",
            [(labels, Seconds(status.LastSignAt))]
        );
        Add("gaps_total", "counter", "Ranges of offsets that the source had lost.", [(labels, status.Gaps)]);
        Add(
            "errors_total",
            "counter",
            "Errors by id.",
            status.Errors.Select(e => ($"{labels},error=\"{Escape(e.Key)}\"", (double)e.Value))
        );
        Add(
            "lag",
            "gauge",
            "Offsets still to be handled.",
            status.Lag.Count <= MostPartitions
                ? status.Lag.Select(l => ($"{labels},topic=\"{Escape(l.Key.Topic)}\",partition=\"{l.Key.Partition}\"", (double)l.Value))
                : status
                    .Lag.GroupBy(l => l.Key.Topic, StringComparer.Ordinal)
                    .Select(t => ($"{labels},topic=\"{Escape(t.Key)}\"", (double)t.Sum(l => l.Value)))
        );
        return page.ToString();

        void Add(string name, string kind, string help, IEnumerable<(string Labels, double Value)> values)
        {
            page.Append(CultureInfo.InvariantCulture, $"# HELP kafkabackup_{name} {help}\n# TYPE kafkabackup_{name} {kind}\n");
            foreach (var (own, value) in values)
            {
                page.Append(CultureInfo.InvariantCulture, $"kafkabackup_{name}{{{own}}} {value}\n");
            }
        }
    }

    private static double Seconds(DateTimeOffset? at) => at is { } time ? time.ToUnixTimeMilliseconds() / 1000.0 : 0;

    private static string Escape(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal);
}
