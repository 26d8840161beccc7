using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Connections;
using KafkaBackup.Engine.Wire.Messages;
using KafkaBackup.LocalBroker;
using KafkaBackup.Testing;
using static KafkaBackup.Engine.Tests.Wire.WireTesting;
using LocalApi = KafkaBackup.LocalBroker.ApiKey;

namespace KafkaBackup.Engine.Tests.Wire;

public sealed class ConnectionTests
{
    [Fact]
    public async Task Many_requests_under_way_at_once_get_their_own_answers_in_order()
    {
        await using var cluster = LocalCluster.Start();
        for (var i = 0; i < 50; i++)
        {
            cluster.CreateTopic($"t{i}");
        }

        var options = Options(cluster);
        await using (var connection = await Open(options))
        {
            var asked = Enumerable
                .Range(0, 500)
                .Select(i => connection.SendAsync(new MetadataRequest { Topics = [$"t{i % 50}"] }, CancellationToken.None))
                .ToList();
            var answers = await Task.WhenAll(asked);
            Assert.Equal(Enumerable.Range(0, 500).Select(i => $"t{i % 50}"), answers.Select(a => a.Topics.Single().Name));
            Assert.Equal(
                Enumerable.Range(0, 500).Select(i => $"t{i % 50}"),
                cluster.Requests.Of(LocalApi.Metadata).Select(r => r.Partitions.Single().Topic)
            );
        }

        Assert.Equal(0, options.Buffers!.Outstanding);
        Assert.Empty(cluster.UnexpectedErrors);
    }

    [Fact]
    public async Task The_newest_version_that_both_know_is_used_and_what_an_old_one_cannot_say_is_refused()
    {
        await using var cluster = LocalCluster.Start(
            new LocalClusterOptions
            {
                NewestVersions = new Dictionary<LocalApi, short> { [LocalApi.Metadata] = 7, [LocalApi.ListOffsets] = 5 },
            }
        );
        cluster.CreateTopic("t");
        await using var connection = await Open(Options(cluster));
        await connection.SendAsync(Brokers, CancellationToken.None);
        Assert.Equal(7, cluster.Requests.Of(LocalApi.Metadata)[^1].Version);
        var error = await Assert.ThrowsAsync<WireException>(() =>
            connection.SendAsync(
                new ListOffsetsRequest([new("t", [new(0, ListOffsetsRequest.LargestTimestamp)])], false),
                CancellationToken.None
            )
        );
        Assert.Equal(WireFailure.VersionUnsupported, error.Kind);
        Assert.EndsWith("knows ListOffsets in the versions 1 to 5; this needs one of 7 to 7.", error.Message, StringComparison.Ordinal);
        await connection.SendAsync(Brokers, CancellationToken.None);
    }

    [Fact]
    public async Task A_broker_that_does_not_know_the_newest_ApiVersions_is_asked_in_the_oldest()
    {
        await using var cluster = LocalCluster.Start(
            new LocalClusterOptions { NewestVersions = new Dictionary<LocalApi, short> { [LocalApi.ApiVersions] = 2 } }
        );
        await using var connection = await Open(Options(cluster));
        await connection.SendAsync(Brokers, CancellationToken.None);
        Assert.Equal(2, cluster.Requests.Of(LocalApi.ApiVersions).Count);
    }

    [Fact]
    public async Task D3_a_port_that_nobody_listens_on_is_refused_at_once()
    {
        var address = $"127.0.0.1:{UnusedPort()}";
        var error = await OpenFails(Options(address));
        Assert.Equal(WireFailure.Refused, error.Kind);
        Assert.Equal($"The broker at {address} cannot be reached: nothing listens there.", error.Message);
        Assert.True(error.IsTransient);
    }

    [Fact]
    public async Task D3_a_host_name_that_does_not_exist_is_named()
    {
        var error = await OpenFails(Options("no-such-host.invalid:9092"));
        Assert.Equal(WireFailure.HostUnknown, error.Kind);
        Assert.Contains("the host name 'no-such-host.invalid' is not known", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D3_a_host_that_accepts_and_never_answers_is_an_error_after_the_time_allowed()
    {
        var clock = new ManualClock();
        var heard = new TaskCompletionSource();
        await using var deaf = ScriptedBroker.Raw(async stream =>
        {
            await ScriptedBroker.ReadRequestAsync(stream);
            heard.SetResult();
            await stream.CopyToAsync(Stream.Null);
        });
        var options = Options(deaf.Address) with { Clock = clock, RequestTimeout = TimeSpan.FromHours(1) };
        var opening = OpenFails(options);
        await heard.Task;
        clock.Advance(options.ConnectTimeout);
        var error = await opening;
        Assert.Equal(WireFailure.Unreachable, error.Kind);
        Assert.EndsWith("accepted a connection, but did not answer within 20 s.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D3_a_cancelled_connect_lets_go()
    {
        await using var deaf = ScriptedBroker.Raw(stream => stream.CopyToAsync(Stream.Null));
        using var cancel = new CancellationTokenSource(50);
        var options = Options(deaf.Address);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            WireConnection.OpenAsync(options.Bootstrap[0], 1, options, options.Buffers!, null, cancel.Token)
        );
    }

    [Fact]
    public async Task D3_a_web_server_is_not_taken_for_a_broker()
    {
        await using var web = ScriptedBroker.Raw(async stream =>
        {
            await stream.ReadAsync(new byte[100]);
            await stream.WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());
        });
        var error = await OpenFails(Options(web.Address));
        Assert.Equal(WireFailure.NotKafka, error.Kind);
        Assert.Contains("is a web server, not a Kafka broker", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D3_a_tls_alert_in_answer_to_plain_text_is_explained()
    {
        await using var tls = ScriptedBroker.Raw(async stream =>
        {
            await stream.ReadAsync(new byte[100]);
            await stream.WriteAsync(new byte[] { 0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28 });
        });
        var error = await OpenFails(Options(tls.Address));
        Assert.Equal(WireFailure.TlsExpected, error.Kind);
        Assert.Equal($"The listener at {tls.Address} speaks TLS, which this client was not told to use.", error.Message);
    }

    [Fact]
    public async Task An_answer_larger_than_allowed_is_refused_before_room_is_made()
    {
        await using var broker = ScriptedBroker.Answering(_ => [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 2]);
        var options = Options(broker.Address) with { MaxAnswerBytes = 1_000_000 };
        await using var connection = await Open(options);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        var error = await Assert.ThrowsAsync<WireException>(() => connection.SendAsync(Brokers, CancellationToken.None));
        Assert.Equal(WireFailure.Malformed, error.Kind);
        Assert.Contains("sends an answer of 2,147,483,647 bytes; 1,000,000 is the most", error.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 50_000_000);
    }

    [Theory]
    [InlineData(new byte[] { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2 })]
    [InlineData(new byte[] { 0, 0, 0, 0, 0, 0, 0, 2 })]
    [InlineData(new byte[] { 0, 0, 0, 4, 0, 0, 0, 99 })]
    [InlineData(new byte[] { 0, 0, 0, 6, 0, 0, 0, 2, 1, 2 })]
    public async Task An_answer_that_is_none_ends_the_connection_for_all_who_wait(byte[] frame)
    {
        await using var broker = ScriptedBroker.Answering(_ => frame);
        var options = Options(broker.Address);
        await using (var connection = await Open(options))
        {
            var first = connection.SendAsync(Brokers, CancellationToken.None);
            var second = connection.SendAsync(Brokers, CancellationToken.None);
            Assert.Equal(WireFailure.Malformed, (await Assert.ThrowsAsync<WireException>(() => first)).Kind);
            await Assert.ThrowsAsync<WireException>(() => second);
            Assert.NotNull(connection.Fault);
            await Assert.ThrowsAsync<WireException>(() => connection.SendAsync(Brokers, CancellationToken.None));
        }

        Assert.Equal(0, options.Buffers!.Outstanding);
    }

    [Fact]
    public async Task A_connection_that_ends_inside_the_head_of_an_answer_is_lost_not_malformed()
    {
        // The first byte of a length is not zero when the answer is large.
        await using var broker = ScriptedBroker.Raw(async stream =>
        {
            await stream.WriteAsync(ScriptedBroker.Versions((await ScriptedBroker.ReadRequestAsync(stream))!));
            await stream.WriteAsync(ScriptedBroker.NoBrokers((await ScriptedBroker.ReadRequestAsync(stream))!));
            await ScriptedBroker.ReadRequestAsync(stream);
            await stream.WriteAsync(new byte[] { 1, 0, 0, 0, 0 });
        });
        await using var connection = await Open(Options(broker.Address));
        await connection.SendAsync(Brokers, CancellationToken.None);
        var error = await Assert.ThrowsAsync<WireException>(() => connection.SendAsync(Brokers, CancellationToken.None));
        Assert.Equal(WireFailure.ConnectionLost, error.Kind);
        Assert.True(error.IsTransient);
    }

    [Fact]
    public async Task A_throttled_request_does_not_wait_on_a_connection_that_has_ended()
    {
        var hangUp = new TaskCompletionSource();
        await using var broker = ScriptedBroker.Raw(async stream =>
        {
            await stream.WriteAsync(ScriptedBroker.Versions((await ScriptedBroker.ReadRequestAsync(stream))!));
            await stream.WriteAsync(ScriptedBroker.NoBrokers((await ScriptedBroker.ReadRequestAsync(stream))!, throttleMs: int.MaxValue));
            await hangUp.Task;
        });
        await using var connection = await Open(Options(broker.Address));
        await connection.SendAsync(Brokers, CancellationToken.None);
        var waiting = Enumerable.Range(0, 3).Select(_ => connection.SendAsync(Brokers, CancellationToken.None)).ToList();
        using var cancel = new CancellationTokenSource();
        var cancelled = connection.SendAsync(Brokers, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        hangUp.SetResult();
        foreach (var one in waiting)
        {
            Assert.Equal(WireFailure.ConnectionLost, (await Assert.ThrowsAsync<WireException>(() => one)).Kind);
        }
    }

    [Fact]
    public async Task A_request_that_is_not_taken_off_the_wire_ends_after_its_time()
    {
        var clock = new ManualClock();
        var (begun, done) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var broker = ScriptedBroker.Raw(async stream =>
        {
            await stream.WriteAsync(ScriptedBroker.Versions((await ScriptedBroker.ReadRequestAsync(stream))!));
            await stream.ReadExactlyAsync(new byte[100]);
            begun.SetResult();
            await done.Task;
        });
        await using var connection = await Open(Options(broker.Address) with { Clock = clock });
        var large = new byte[64 << 20];
        var request = new ProduceRequest { Timeout = TimeSpan.FromHours(1), Topics = [new("t", [new(0, default, large)])] };
        var sending = connection.SendAsync(request, CancellationToken.None);
        await begun.Task;
        clock.Advance(TimeSpan.FromMinutes(1));
        var error = await Assert.ThrowsAsync<WireException>(() => sending);
        Assert.Equal(WireFailure.RequestTimedOut, error.Kind);
        Assert.Contains("did not take a request within", error.Message, StringComparison.Ordinal);
        done.SetResult();
    }

    [Fact]
    public async Task An_answer_that_arrives_byte_by_byte_is_read()
    {
        await using var broker = ScriptedBroker.Raw(async stream =>
        {
            while (await ScriptedBroker.ReadRequestAsync(stream) is { } request)
            {
                foreach (
                    var one in request.Api == Engine.Wire.ApiKey.ApiVersions
                        ? ScriptedBroker.Versions(request)
                        : ScriptedBroker.NoBrokers(request)
                )
                {
                    await stream.WriteAsync(new[] { one });
                }
            }
        });
        await using var connection = await Open(Options(broker.Address));
        Assert.Equal("c", (await connection.SendAsync(Brokers, CancellationToken.None)).ClusterId);
    }

    [Fact]
    public async Task A_request_without_an_answer_ends_after_its_time_and_says_which()
    {
        await using var cluster = LocalCluster.Start();
        var frozen = cluster.Faults.On(LocalApi.Metadata).Freeze();
        var clock = new ManualClock();
        var options = Options(cluster) with { Clock = clock };
        await using (var connection = await Open(options))
        {
            var asked = connection.SendAsync(Brokers, CancellationToken.None);
            await frozen.WaitForHits();
            clock.Advance(options.RequestTimeout + TimeSpan.FromSeconds(3));
            var error = await Assert.ThrowsAsync<WireException>(() => asked);
            Assert.Equal(WireFailure.RequestTimedOut, error.Kind);
            Assert.Matches("^The broker at 127.0.0.1:[0-9]+ did not answer a Metadata request within [0-9.]+ s\\.$", error.Message);
        }

        frozen.Thaw();
        Assert.Equal(0, options.Buffers!.Outstanding);
    }

    [Fact]
    public async Task A_request_that_may_take_long_does_not_count_against_the_one_behind_it()
    {
        var clock = new ManualClock();
        var (bothAreHere, answer) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var broker = ScriptedBroker.Raw(async stream =>
        {
            await stream.WriteAsync(ScriptedBroker.Versions((await ScriptedBroker.ReadRequestAsync(stream))!));
            var slow = (await ScriptedBroker.ReadRequestAsync(stream))!;
            await ScriptedBroker.ReadRequestAsync(stream);
            bothAreHere.SetResult();
            await answer.Task;
            await stream.WriteAsync(ScriptedBroker.Answer(slow, new() { ["ThrottleTime"] = 0L, ["Topics"] = new List<object?>() }));
            await ScriptedBroker.ReadRequestAsync(stream);
        });
        await using var connection = await Open(Options(broker.Address) with { Clock = clock, RequestTimeout = TimeSpan.FromSeconds(4) });
        var deleting = new DeleteRecordsRequest([new("t", [new(0, 1)])], TimeSpan.FromSeconds(7));
        var first = connection.SendAsync(deleting, CancellationToken.None);
        var second = connection.SendAsync(Brokers, CancellationToken.None);
        await bothAreHere.Task;
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Null(connection.Fault);
        answer.SetResult();
        await first;
        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Null(connection.Fault);
        clock.Advance(TimeSpan.FromSeconds(3));
        var error = await Assert.ThrowsAsync<WireException>(() => second);
        Assert.Equal(WireFailure.RequestTimedOut, error.Kind);
    }

    [Fact]
    public async Task A_connection_that_breaks_fails_all_requests_under_way()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        await using var connection = await Open(Options(cluster));
        await connection.SendAsync(Brokers, CancellationToken.None);
        var frozen = cluster.Faults.On(LocalApi.Metadata).Freeze();
        var asked = Enumerable.Range(0, 5).Select(_ => connection.SendAsync(Brokers, CancellationToken.None)).ToList();
        await frozen.WaitForHits();
        cluster.DropConnections();
        foreach (var one in asked)
        {
            Assert.Equal(WireFailure.ConnectionLost, (await Assert.ThrowsAsync<WireException>(() => one)).Kind);
        }

        frozen.Thaw();
    }

    [Fact]
    public async Task A_cancelled_request_leaves_the_connection_and_its_order_as_they_are()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.Append("t", 0, LocalRecord.Of("k", "v"));
        var options = Options(cluster);
        await using (var connection = await Open(options))
        {
            var slow = cluster.Faults.On(LocalApi.Fetch).Once().Freeze();
            using var cancel = new CancellationTokenSource();
            var given = connection.SendAsync(Fetch(cluster, "t", 0), cancel.Token);
            await slow.WaitForHits();
            var after = connection.SendAsync(Brokers, CancellationToken.None);
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
            slow.Thaw();
            Assert.Equal(cluster.ClusterId, (await after).ClusterId);
            Assert.Null(connection.Fault);
        }

        Assert.Equal(0, options.Buffers!.Outstanding);
    }

    [Fact]
    public async Task L4_a_throttle_time_is_reported_and_kept_before_the_next_request()
    {
        var clock = new ManualClock();
        var told = new List<WireThrottle>();
        await using var broker = ScriptedBroker.Answering(request => ScriptedBroker.NoBrokers(request, throttleMs: 3000));
        await using var connection = await Open(Options(broker.Address) with { Clock = clock, Throttled = told.Add });
        Assert.Equal(TimeSpan.FromSeconds(3), (await connection.SendAsync(Brokers, CancellationToken.None)).ThrottleTime);
        Assert.Equal(
            new WireThrottle(1, broker.Address, Engine.Wire.ApiKey.Metadata, TimeSpan.FromSeconds(3), ClientWaits: true),
            Assert.Single(told)
        );
        var next = connection.SendAsync(Brokers, CancellationToken.None);
        clock.Advance(TimeSpan.FromSeconds(2.9));
        Assert.Equal(0, connection.InFlight);
        Assert.False(next.IsCompleted);
        await clock.RunAsync(next, TimeSpan.FromMilliseconds(50));
    }

    [Fact]
    public async Task L4_a_throttle_time_of_an_old_version_was_kept_by_the_broker()
    {
        var told = new List<WireThrottle>();
        await using var cluster = LocalCluster.Start(
            new LocalClusterOptions { NewestVersions = new Dictionary<LocalApi, short> { [LocalApi.Fetch] = 6 } }
        );
        cluster.CreateTopic("t");
        cluster.Append("t", 0, LocalRecord.Of("k", new string('x', 500)));
        cluster.LimitReading(100, TimeSpan.FromSeconds(1));
        await using var connection = await Open(Options(cluster) with { Throttled = told.Add });
        using var answer = await connection.SendAsync(Fetch(cluster, "t", 0), CancellationToken.None);
        Assert.True(answer.ThrottleTime > TimeSpan.Zero);
        Assert.False(Assert.Single(told).ClientWaits);
    }
}
