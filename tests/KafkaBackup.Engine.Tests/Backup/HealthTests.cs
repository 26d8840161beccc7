using System.Net;
using System.Net.Sockets;
using KafkaBackup.Engine.Health;
using KafkaBackup.Testing;

namespace KafkaBackup.Engine.Tests.Backup;

public sealed class HealthTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A2_a_running_backup_serves_health_and_metrics_and_stops_when_it_ends()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Fill("orders", 10);
        var port = FreePort();
        using var stop = new CancellationTokenSource();
        var running = scenario.BackUpAsync(
            BackupScenario.Asked() with
            {
                Continuous = true,
                SegmentMaxInterval = TimeSpan.FromMilliseconds(200),
                Health = new HealthSettings { Enabled = true, Port = port },
            },
            stop.Token
        );
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(10) };
        string metrics = "";
        await scenario.WaitAsync(
            async () =>
            {
                try
                {
                    metrics = await http.GetStringAsync("/metrics", scenario.Cancel);
                    return metrics.Contains(
                            "kafkabackup_lag{operation=\"backup\",backup_id=\"b\",topic=\"orders\",partition=\"0\"} 0",
                            StringComparison.Ordinal
                        )
                        && metrics.Contains(
                            "kafkabackup_records_total{operation=\"backup\",backup_id=\"b\"} 10\n",
                            StringComparison.Ordinal
                        );
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            "the metrics"
        );
        using var health = await http.GetAsync("/health", scenario.Cancel);
        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        Assert.Contains("\"status\": \"healthy\"", await health.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/", scenario.Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await http.PostAsync("/health", null, scenario.Cancel)).StatusCode);

        await stop.CancelAsync();
        await running;
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync("/health"));
    }

    [Fact]
    public async Task B10_health_is_503_when_nothing_was_committed_for_three_intervals_or_the_cluster_is_away_or_a_part_fails()
    {
        var clock = new ManualClock();
        var status = new OperationStatus("backup", "b", Interval, clock);
        await using var endpoint = HealthEndpoint.Start(
            new HealthSettings { Enabled = true, Port = FreePort() },
            status,
            SilentEvents.Instance
        );
        using var http = new HttpClient { BaseAddress = new Uri($"http://{endpoint.Address}"), Timeout = TimeSpan.FromSeconds(10) };

        clock.Advance(2 * Interval);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health")).StatusCode);
        clock.Advance(2 * Interval);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await http.GetAsync("/health")).StatusCode);
        status.Alive();
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health")).StatusCode);
        status.SetAway("nothing listens");
        using var away = await http.GetAsync("/health");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, away.StatusCode);
        Assert.Contains("nothing listens", await away.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        status.SetAway(null);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health")).StatusCode);
        status.SetFailing("1 partitions could not be read");
        using var failing = await http.GetAsync("/health");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, failing.StatusCode);
        Assert.Contains("could not be read", await failing.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        status.Trouble(ErrorIds.PartitionStalled.With("stalled"));
        Assert.Contains(
            "kafkabackup_errors_total{operation=\"backup\",backup_id=\"b\",error=\"PartitionStalled\"} 1",
            await http.GetStringAsync("/metrics"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    [Trait("Run", "Long")]
    public async Task B10_health_tells_a_topic_that_was_deleted_while_it_was_followed()
    {
        await using var scenario = new BackupScenario();
        scenario.Cluster.CreateTopic("orders");
        scenario.Cluster.CreateTopic("other");
        var port = FreePort();
        using var stop = new CancellationTokenSource();
        var running = scenario.BackUpAsync(
            FollowingTests.Following() with
            {
                Health = new HealthSettings { Enabled = true, Port = port },
            },
            stop.Token
        );
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(10) };
        await scenario.WaitAsync(
            async () => await FollowingTests.HasHeadAsync(scenario) && (await scenario.ManifestAsync()).Complete,
            "the first pass"
        );
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health", scenario.Cancel)).StatusCode);
        scenario.Cluster.DeleteTopic("orders");

        await scenario.WaitAsync(
            async () => (await http.GetAsync("/health", scenario.Cancel)).StatusCode == HttpStatusCode.ServiceUnavailable,
            "503"
        );
        Assert.Contains(
            "gone from the cluster: orders",
            await (await http.GetAsync("/health", scenario.Cancel)).Content.ReadAsStringAsync(),
            StringComparison.Ordinal
        );
        var metrics = await http.GetStringAsync("/metrics", scenario.Cancel);
        Assert.Contains("error=\"TopicNotFound\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("topic=\"orders\"", metrics, StringComparison.Ordinal);
        await stop.CancelAsync();
        await running;
    }

    /// <summary>The grammar of Prometheus' text format 0.0.4, line by line.</summary>
    [Fact]
    public void B10_metrics_are_valid_Prometheus_text_whatever_the_names()
    {
        var clock = new ManualClock();
        var status = new OperationStatus("backup", "a\"b\\c\nd", Interval, clock);
        status.SetLag(new TopicPartition("x.y-z", 3), 1L << 60);
        status.Count(123_456_789_012, 5);
        status.Trouble(ErrorIds.PartitionStalled.With("stalled"));
        status.Committed();
        status.Alive();
        var page = StatusPages.Metrics(status.Look());

        Assert.EndsWith("\n", page, StringComparison.Ordinal);
        Assert.DoesNotContain("\r", page, StringComparison.Ordinal);
        var described = new HashSet<string>();
        var seen = new HashSet<string>();
        foreach (var line in page.Split('\n')[..^1])
        {
            if (System.Text.RegularExpressions.Regex.Match(line, "^# (HELP|TYPE) ([a-z_]+) (.+)$") is { Success: true } comment)
            {
                Assert.True(comment.Groups[1].Value == "HELP" || comment.Groups[3].Value is "gauge" or "counter", line);
                Assert.True(described.Add(comment.Groups[1].Value + comment.Groups[2].Value), line);
                continue;
            }

            var sample = System.Text.RegularExpressions.Regex.Match(
                line,
                "^(?<name>[a-z_]+)\\{(?<label>[a-z_]+=\"(\\\\[\\\\n\"]|[^\\\\\"\\n])*\",?)+\\} (?<value>[-+0-9.eE]+)$"
            );
            Assert.True(sample.Success, line);
            Assert.Contains("TYPE" + sample.Groups["name"].Value, described);
            Assert.True(double.TryParse(sample.Groups["value"].Value, System.Globalization.CultureInfo.InvariantCulture, out _), line);
            Assert.True(seen.Add(line[..line.LastIndexOf(' ')]), line);
        }

        Assert.Contains(seen, s => s.StartsWith("kafkabackup_last_checked_timestamp_seconds{", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A2_rubbish_and_slow_askers_hurt_nobody()
    {
        var status = new OperationStatus("backup", "b", null, TimeProvider.System);
        await using var endpoint = HealthEndpoint.Start(
            new HealthSettings { Enabled = true, Port = FreePort() },
            status,
            SilentEvents.Instance
        );
        using var silent = new TcpClient();
        await silent.ConnectAsync(endpoint.Address!);
        using var rubbish = new TcpClient();
        await rubbish.ConnectAsync(endpoint.Address!);
        await rubbish.GetStream().WriteAsync("\0\u0001\u0002\r\n\r\n"u8.ToArray());
        using var reader = new StreamReader(rubbish.GetStream());
        Assert.StartsWith("HTTP/1.1 400", await reader.ReadLineAsync(), StringComparison.Ordinal);

        using var http = new HttpClient { BaseAddress = new Uri($"http://{endpoint.Address}"), Timeout = TimeSpan.FromSeconds(10) };
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health")).StatusCode);
    }

    [Fact]
    public async Task A2_idle_connections_do_not_delay_the_next_one()
    {
        var status = new OperationStatus("backup", "b", null, TimeProvider.System);
        await using var endpoint = HealthEndpoint.Start(
            new HealthSettings { Enabled = true, Port = FreePort() },
            status,
            SilentEvents.Instance
        );
        var idle = new List<TcpClient>();
        for (var i = 0; i < 20; i++)
        {
            idle.Add(new TcpClient());
            await idle[^1].ConnectAsync(endpoint.Address!);
        }

        using var http = new HttpClient { BaseAddress = new Uri($"http://{endpoint.Address}") };
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health")).StatusCode);

        // The newest idle ones were left alone: whoever waited longest had to go.
        Assert.Equal(0, await idle[0].GetStream().ReadAsync(new byte[1]));
        await idle[^1].GetStream().WriteAsync("GET /health HTTP/1.1\r\n\r\n"u8.ToArray());
        using var reader = new StreamReader(idle[^1].GetStream());
        Assert.StartsWith("HTTP/1.1 200", await reader.ReadLineAsync(), StringComparison.Ordinal);
        idle.ForEach(client => client.Dispose());
    }

    [Theory]
    [InlineData("rebound.example:{0}", HttpStatusCode.MisdirectedRequest)]
    [InlineData("localhost.rebound.example", HttpStatusCode.MisdirectedRequest)]
    [InlineData("localhost:{0}", HttpStatusCode.OK)]
    [InlineData("127.0.0.1:{0}", HttpStatusCode.OK)]
    [InlineData("[::1]:{0}", HttpStatusCode.OK)]
    public async Task A2_a_loopback_endpoint_answers_to_no_foreign_name(string host, HttpStatusCode expected)
    {
        var status = new OperationStatus("backup", "b", null, TimeProvider.System);
        await using var endpoint = HealthEndpoint.Start(
            new HealthSettings { Enabled = true, Port = FreePort() },
            status,
            SilentEvents.Instance
        );
        using var http = new HttpClient { BaseAddress = new Uri($"http://{endpoint.Address}") };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.Host = string.Format(System.Globalization.CultureInfo.InvariantCulture, host, endpoint.Address!.Port);

        Assert.Equal(expected, (await http.SendAsync(request)).StatusCode);
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
