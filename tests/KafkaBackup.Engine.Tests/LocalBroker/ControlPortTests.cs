using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Confluent.Kafka;
using KafkaBackup.LocalBroker;
using KafkaBackup.Testing;
using Xunit;
using static KafkaBackup.LocalBroker.Tests.Clients;

namespace KafkaBackup.LocalBroker.Tests;

public sealed class ControlPortTests
{
    private static (LocalCluster Cluster, HttpClient Http) Start(int brokers = 1)
    {
        var cluster = LocalCluster.Start(new LocalClusterOptions { ControlPort = 0, Brokers = brokers });
        return (cluster, new HttpClient { BaseAddress = new Uri(cluster.ControlAddress!) });
    }

    private static async Task Post(HttpClient http, string path, object body)
    {
        using var answer = await http.PostAsJsonAsync(path, body);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Another_process_makes_topics_and_reads_the_request_log()
    {
        var (cluster, http) = Start();
        await using var _ = cluster;
        using var __ = http;
        await Post(
            http,
            "/topics",
            new
            {
                name = "t",
                partitions = 2,
                config = new Dictionary<string, string> { ["retention.ms"] = "5" },
            }
        );
        await Post(
            http,
            "/topics/t/partitions/1/records",
            new
            {
                records = new object[]
                {
                    new
                    {
                        key = "k",
                        value = "v",
                        timestamp = 77,
                    },
                    new { timestamp = 78 },
                },
            }
        );
        Assert.Single(ReadAll(cluster, "t", 1, from: 1));
        var records = await http.GetFromJsonAsync<JsonArray>("/topics/t/partitions/1/records");
        Assert.Equal("v", (string?)records![0]!["value"]);
        Assert.Null(records[1]!["value"]);
        var described = await http.GetFromJsonAsync<JsonNode>("/topics/t");
        Assert.Equal(2, (int)described!["partitions"]![1]!["logEnd"]!);
        Assert.Equal("5", (string?)described["config"]!["retention.ms"]);

        var fetches = await http.GetFromJsonAsync<JsonArray>("/requests?api=Fetch");
        Assert.Equal("t", (string?)fetches![0]!["partitions"]![0]!["topic"]);
        Assert.Empty((await http.GetFromJsonAsync<JsonArray>("/requests?writes"))!);
        await http.DeleteAsync("/requests");
        Assert.Empty((await http.GetFromJsonAsync<JsonArray>("/requests"))!);
    }

    [Fact]
    public async Task Another_process_sets_and_ends_faults()
    {
        var (cluster, http) = Start();
        await using var _ = cluster;
        using var __ = http;
        cluster.CreateTopic("t");
        await Post(
            http,
            "/faults",
            new
            {
                api = "Produce",
                topic = "t",
                times = 1,
                action = "Fail",
                error = "MessageTooLarge",
            }
        );
        using var producer = Producer(cluster);
        await Assert.ThrowsAsync<ProduceException<byte[]?, byte[]?>>(() => producer.ProduceAsync("t", Message("k", "v")));
        Assert.Equal(1, (int)(await http.GetFromJsonAsync<JsonArray>("/faults"))![0]!["hits"]!);

        await Post(http, "/faults", new { api = "Produce", action = "Freeze" });
        var sending = producer.ProduceAsync("t", Message("k", "v"));
        await Eventually(() => cluster.Faults.InForce.Any(f => f.Hits == 1 && f.Action == FaultAction.Freeze));
        Assert.False(sending.IsCompleted);
        await Post(http, "/faults/2/thaw", new { });
        await sending;
    }

    [Fact]
    public async Task Another_process_moves_leaders_loses_brokers_and_cuts_logs()
    {
        var (cluster, http) = Start(brokers: 2);
        await using var _ = cluster;
        using var __ = http;
        cluster.CreateTopic("t", 1, replicationFactor: 2);
        cluster.Append("t", 0, Numbered(10));
        await Post(http, "/topics/t/partitions/0/leader", new { broker = 2 });
        Assert.Equal(2, cluster.LeaderOf("t", 0));
        await Post(http, "/brokers/2/stop", new { });
        Assert.Equal(1, cluster.LeaderOf("t", 0));
        await Post(http, "/brokers/2/start", new { });
        await Post(http, "/topics/t/partitions/0/delete-records", new { before = 4 });
        await Post(http, "/topics/t/partitions/0/truncate", new { offset = 8 });
        Assert.Equal((4L, 8L), (cluster.LogStart("t"), cluster.LogEnd("t")));
        await Post(http, "/topics/t/recreate", new { });
        Assert.Equal(0, cluster.LogEnd("t"));
        await Post(
            http,
            "/groups/g",
            new
            {
                topic = "t",
                partition = 0,
                offset = 0,
                metadata = "m",
            }
        );
        Assert.Equal("m", (string?)(await http.GetFromJsonAsync<JsonArray>("/groups/g"))![0]!["metadata"]);
        await Post(http, "/denials", new { api = "Fetch", resource = "t" });
        Assert.Throws<ConsumeException>(() => ReadAll(cluster, "t"));
    }

    [Theory]
    [InlineData("POST", "/faults", "{\"api\":\"Nonsense\"}", HttpStatusCode.BadRequest)]
    [InlineData("POST", "/faults", "{", HttpStatusCode.BadRequest)]
    [InlineData("POST", "/topics/absent/compact", "{}", HttpStatusCode.BadRequest)]
    [InlineData("POST", "/brokers/9/stop", "{}", HttpStatusCode.BadRequest)]
    [InlineData("GET", "/nowhere", null, HttpStatusCode.NotFound)]
    public async Task What_makes_no_sense_is_refused_in_words(string method, string path, string? body, HttpStatusCode expected)
    {
        var (cluster, http) = Start();
        await using var _ = cluster;
        using var __ = http;
        using var request = new HttpRequestMessage(new HttpMethod(method), path)
        {
            Content = body is null ? null : new StringContent(body),
        };
        using var answer = await http.SendAsync(request);
        Assert.Equal(expected, answer.StatusCode);
        Assert.NotEmpty((string?)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["error"] ?? "");
    }

    [Fact]
    public async Task The_program_prints_its_address_serves_and_stops_on_a_signal()
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS())
            return;
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList =
            {
                typeof(LocalCluster).Assembly.Location,
                "--port",
                "0",
                "--topics",
                "orders:3,other",
                "--control-port",
                "0",
                "--brokers",
                "2",
            },
        };
        using var process = Process.Start(start)!;
        try
        {
            using var limit = new CancellationTokenSource(Patience);
            var bootstrap = await process.StandardOutput.ReadLineAsync(limit.Token);
            var control = await process.StandardOutput.ReadLineAsync(limit.Token);
            Assert.StartsWith("bootstrap 127.0.0.1:", bootstrap, StringComparison.Ordinal);
            Assert.StartsWith("control http://127.0.0.1:", control, StringComparison.Ordinal);
            using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap!.Split(' ')[1] }).Build();
            Assert.Equal(3, admin.GetMetadata("orders", Patience).Topics.Single().Partitions.Count);
            using var kill = Process.Start("kill", ["-TERM", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
            await process.WaitForExitAsync(limit.Token);
            Assert.Equal(0, process.ExitCode);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }

    [Fact]
    public async Task The_program_ends_with_its_input_and_removes_its_data()
    {
        using var folder = new TemporaryFolder();
        var start = new ProcessStartInfo(
            "dotnet",
            [typeof(LocalCluster).Assembly.Location, "--until-input-ends", "--data", folder.Path, "--topics", "orders:1"]
        )
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        Assert.StartsWith("bootstrap ", await process.StandardOutput.ReadLineAsync(), StringComparison.Ordinal);
        Assert.NotEmpty(Directory.GetFileSystemEntries(folder.Path));

        process.StandardInput.Close();
        await process.WaitForExitAsync();

        Assert.Equal(0, process.ExitCode);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData("--wat")]
    [InlineData("--port")]
    [InlineData("--topics", "a:b")]
    [InlineData("--client-cert")]
    [InlineData("--sasl", "PLAIN")]
    [InlineData("--sasl", "GSSAPI")]
    public async Task The_program_refuses_options_it_does_not_know(params string[] arguments)
    {
        Assert.Equal(2, await CommandLine.Run(arguments));
    }
}
