using System.Buffers.Binary;
using System.Net.Sockets;
using KafkaBackup.LocalBroker;
using KafkaBackup.LocalBroker.Wire;
using Xunit;

namespace KafkaBackup.LocalBroker.Tests;

/// <summary>What no decent client sends, byte by byte.</summary>
public sealed class WireTests
{
    [Fact]
    public async Task A_client_from_the_future_learns_what_is_served()
    {
        await using var cluster = LocalCluster.Start();
        using var client = await Connect(cluster);
        var reply = await Ask(client, (short)ApiKey.ApiVersions, 99, []);
        Assert.Equal(7, reply!.Int32());
        Assert.Equal((short)ErrorCode.UnsupportedVersion, reply.Int16());
        var served = reply.Array(static k => (Key: (ApiKey)k.Int16(), Min: k.Int16(), Max: k.Int16()));
        Assert.Contains((ApiKey.Fetch, (short)4, (short)17), served);
        Assert.Equal(Enum.GetValues<ApiKey>().Order(), served.Select(s => s.Key).Order());
    }

    [Theory]
    [InlineData(999, 0)]
    [InlineData(1, 3)]
    [InlineData(1, 18)]
    [InlineData(3, 9)]
    public async Task A_request_that_cannot_be_read_ends_the_connection_and_is_reported(short api, short version)
    {
        await using var cluster = LocalCluster.Start();
        using var client = await Connect(cluster);
        Assert.Null(await Ask(client, api, version, [0xff, 0xff, 0xff, 0xff]));
        Assert.Single(cluster.UnexpectedErrors);
        using var other = await Connect(cluster);
        Assert.NotNull(await Ask(other, (short)ApiKey.ApiVersions, 0, []));
    }

    [Fact]
    public async Task Requests_sent_without_waiting_are_answered_in_order()
    {
        await using var cluster = LocalCluster.Start();
        using var client = await Connect(cluster);
        for (var i = 0; i < 40; i++)
            await Send(client, (short)ApiKey.ApiVersions, 0, [], correlation: i);
        for (var i = 0; i < 40; i++)
            Assert.Equal(i, (await Receive(client))!.Int32());
    }

    [Fact]
    public async Task A_batch_with_a_wrong_checksum_or_an_old_format_is_refused()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        using var client = await Connect(cluster);
        var good = KafkaBackup.LocalBroker.Log.BatchBuilder.Of([LocalRecord.Of("k", "v")]).Build();
        var damaged = good.ToArray();
        damaged[^2] ^= 1;
        var old = good.ToArray();
        old[16] = 1;
        Assert.Equal(ErrorCode.CorruptMessage, await Produce(damaged));
        Assert.Equal(ErrorCode.UnsupportedForMessageFormat, await Produce(old));
        Assert.Equal(ErrorCode.CorruptMessage, await Produce(good[..40]));
        Assert.Equal(ErrorCode.InvalidRecord, await Produce([.. good, .. good]));
        Assert.Equal(ErrorCode.None, await Produce(good));
        Assert.Equal(1, cluster.LogEnd("t"));

        async Task<ErrorCode> Produce(byte[] records)
        {
            using var body = new WireWriter();
            body.String(null);
            body.Int16(-1);
            body.Int32(1000);
            body.Array(
                [0],
                (t, _) =>
                {
                    t.String("t");
                    t.Array(
                        [0],
                        (p, _) =>
                        {
                            p.Int32(0);
                            p.Bytes(records);
                        }
                    );
                }
            );
            var reply = await Ask(client, (short)ApiKey.Produce, 3, body.Written.ToArray());
            reply!.Int32();
            return reply
                .Array(static t =>
                {
                    t.String();
                    return t.Array(static p =>
                        {
                            p.Int32();
                            var error = (ErrorCode)p.Int16();
                            p.Int64();
                            p.Int64();
                            return error;
                        })
                        .Single();
                })
                .Single();
        }
    }

    private static async Task<TcpClient> Connect(LocalCluster cluster)
    {
        var client = new TcpClient();
        await client.ConnectAsync(
            "127.0.0.1",
            int.Parse(cluster.BootstrapServers.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture)
        );
        return client;
    }

    private static async Task<WireReader?> Ask(TcpClient client, short api, short version, byte[] body)
    {
        await Send(client, api, version, body, correlation: 7);
        return await Receive(client);
    }

    private static async Task Send(TcpClient client, short api, short version, byte[] body, int correlation)
    {
        using var frame = new WireWriter();
        frame.Int32(0);
        frame.Int16(api);
        frame.Int16(version);
        frame.Int32(correlation);
        frame.String("raw");
        frame.Raw(body);
        frame.PatchInt32(0, frame.Length - 4);
        await client.GetStream().WriteAsync(frame.Written);
    }

    /// <summary>Null when the broker closed the connection.</summary>
    private static async Task<WireReader?> Receive(TcpClient client)
    {
        var prefix = new byte[4];
        if (await client.GetStream().ReadAtLeastAsync(prefix, 4, throwOnEndOfStream: false) < 4)
            return null;
        var frame = new byte[BinaryPrimitives.ReadInt32BigEndian(prefix)];
        await client.GetStream().ReadExactlyAsync(frame);
        return new WireReader(frame);
    }
}
