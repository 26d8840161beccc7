using System.Diagnostics;
using KafkaBackup.LocalBroker;
using Xunit;
using static KafkaBackup.LocalBroker.Tests.Clients;

namespace KafkaBackup.LocalBroker.Tests;

/// <summary>A theory that is skipped, with a reason that says so, on machines without kcat.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class KcatTheoryAttribute : TheoryAttribute
{
    public KcatTheoryAttribute()
    {
        if (Kcat.Path is null)
            Skip = "kcat is not installed (apt-get install kcat); the broker was NOT tried with it.";
    }
}

[AttributeUsage(AttributeTargets.Method)]
public sealed class KcatFactAttribute : FactAttribute
{
    public KcatFactAttribute()
    {
        if (Kcat.Path is null)
            Skip = "kcat is not installed (apt-get install kcat); the broker was NOT tried with it.";
    }
}

internal static class Kcat
{
    public static string? Path =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(System.IO.Path.PathSeparator)
            .Select(d => System.IO.Path.Combine(d, "kcat"))
            .FirstOrDefault(File.Exists);

    public static async Task<string> Run(LocalCluster cluster, string? input, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path!)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in new[] { "-b", cluster.BootstrapServers }.Concat(arguments))
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw new TimeoutException($"kcat did not end: {await errors}");
        }

        Assert.True(process.ExitCode == 0, $"kcat: {await errors}");
        return await output;
    }
}

public sealed class KcatTests
{
    [KcatTheory]
    [InlineData("none")]
    [InlineData("gzip")]
    [InlineData("snappy")]
    [InlineData("lz4")]
    [InlineData("zstd")]
    public async Task Kcat_produces_and_consumes_keys_values_and_headers_with_every_codec(string codec)
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        var lines = string.Concat(Enumerable.Range(0, 300).Select(i => $"k{i}:value {i} {new string('z', 40)}\n"));
        await Kcat.Run(cluster, lines, "-P", "-t", "t", "-K", ":", "-z", codec, "-H", "h1=one", "-H", "h2=two");
        var read = await Kcat.Run(cluster, null, "-C", "-t", "t", "-e", "-q", "-o", "beginning", "-f", "%k:%s\n");
        Assert.Equal(lines, read);
        var stored = cluster.Read("t");
        Assert.Equal(300, stored.Count);
        Assert.Equal("k299", stored[299].KeyText);
        Assert.Equal(["h1", "h2"], stored[0].Headers.Select(h => h.Name));
        Assert.Equal(codec != "none", stored.Any(r => r.Codec != 0));
        Assert.Equal("h1=one,h2=two\n", await Kcat.Run(cluster, null, "-C", "-t", "t", "-e", "-q", "-c", "1", "-f", "%h\n"));
    }

    [KcatFact]
    public async Task Kcat_lists_brokers_topics_and_leaders()
    {
        await using var cluster = LocalCluster.Start(new LocalClusterOptions { Brokers = 2 });
        cluster.CreateTopic("orders", 3);
        var listing = await Kcat.Run(cluster, null, "-L");
        Assert.Contains("2 brokers:", listing, StringComparison.Ordinal);
        Assert.Contains("topic \"orders\" with 3 partitions:", listing, StringComparison.Ordinal);
        Assert.Contains("partition 1, leader 2", listing, StringComparison.Ordinal);
    }

    [KcatFact]
    public async Task Kcat_finds_offsets_by_time()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.Append("t", 0, Numbered(100, 5000));
        Assert.Equal("t [0] offset 42\n", await Kcat.Run(cluster, null, "-Q", "-t", "t:0:5042"));
        Assert.Equal("t [0] offset 100\n", await Kcat.Run(cluster, null, "-Q", "-t", "t:0:-1"));
    }

    [KcatFact]
    public async Task Kcat_produces_in_a_transaction_and_reads_only_what_is_committed()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        await Kcat.Run(cluster, "one\ntwo\n", "-P", "-t", "t", "-X", "transactional.id=tx");
        Assert.Equal(3, cluster.LogEnd("t"));
        Assert.Equal("one\ntwo\n", await Kcat.Run(cluster, null, "-C", "-t", "t", "-e", "-q", "-X", "isolation.level=read_committed"));
    }

    [KcatFact]
    public async Task Kcat_subscribes_as_a_group()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t", 2);
        cluster.Append("t", 0, Numbered(5));
        cluster.Append("t", 1, Numbered(5));
        var read = await Kcat.Run(cluster, null, "-G", "g", "-e", "-q", "-X", "auto.offset.reset=earliest", "t");
        Assert.Equal(10, read.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal("Empty", cluster.GroupState("g"));
    }
}
