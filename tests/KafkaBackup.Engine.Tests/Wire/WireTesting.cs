using System.Net;
using System.Net.Sockets;
using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Connections;
using KafkaBackup.Engine.Wire.Messages;
using KafkaBackup.Engine.Wire.Primitives;
using KafkaBackup.Engine.Wire.Security;
using KafkaBackup.LocalBroker;

namespace KafkaBackup.Engine.Tests.Wire;

internal static class WireTesting
{
    public static WireOptions Options(string bootstrap) =>
        new()
        {
            Bootstrap = [.. bootstrap.Split(',').Select(Address)],
            SoftwareVersion = "1.0",
            ConnectTimeout = TimeSpan.FromSeconds(20),
            RequestTimeout = TimeSpan.FromSeconds(20),
            ReconnectBackoff = TimeSpan.FromMilliseconds(10),
            RetryBackoff = TimeSpan.FromMilliseconds(10),
            Buffers = new WireBufferPool(),
        };

    public static WireOptions Options(LocalCluster cluster) => Options(cluster.BootstrapServers);

    public static WireAddress Address(string text) =>
        WireAddress.TryParse(text, out var address) ? address : throw new FormatException(text);

    public static async Task<WireConnection> Open(WireOptions options)
    {
        using var tls = options.Tls is null ? null : new TlsMaterial(options.Tls);
        return await WireConnection.OpenAsync(options.Bootstrap[0], 1, options, options.Buffers!, tls, CancellationToken.None);
    }

    public static async Task<WireException> OpenFails(WireOptions options) =>
        await Assert.ThrowsAsync<WireException>(async () =>
        {
            await using var connection = await Open(options);
            await connection.SendAsync(Brokers, CancellationToken.None);
        });

    public static MetadataRequest Brokers => new() { Topics = [] };

    public static FetchRequest Fetch(
        LocalCluster cluster,
        string topic,
        long offset,
        int epoch = -1,
        int lastEpoch = -1,
        bool committed = false,
        int maxBytes = 1 << 20
    ) =>
        new()
        {
            MaxWait = TimeSpan.FromMilliseconds(10),
            MaxBytes = maxBytes,
            ReadCommitted = committed,
            Topics = [new(topic, cluster.TopicId(topic), [new(0, offset, maxBytes, epoch, lastEpoch)])],
        };

    public static FetchedPartition Only(FetchResponse answer) => Assert.Single(Assert.Single(answer.Topics).Partitions);

    public static int UnusedPort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
