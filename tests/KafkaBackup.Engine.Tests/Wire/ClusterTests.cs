using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Connections;
using KafkaBackup.Engine.Wire.Messages;
using KafkaBackup.LocalBroker;
using KafkaBackup.Testing;
using static KafkaBackup.Engine.Tests.Wire.WireTesting;
using LocalApi = KafkaBackup.LocalBroker.ApiKey;

namespace KafkaBackup.Engine.Tests.Wire;

public sealed class ClusterTests
{
    [Fact]
    public async Task A_leader_is_asked_for_once_and_remembered()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { Brokers = 3 });
        local.CreateTopic("t", 3);
        await using var cluster = new WireCluster(Options(local));
        for (var i = 0; i < 10; i++)
        {
            for (var p = 0; p < 3; p++)
            {
                Assert.Equal(
                    new PartitionLeader(local.LeaderOf("t", p), 0, local.TopicId("t"), WireErrorCode.None),
                    await cluster.LeaderAsync("t", p, CancellationToken.None)
                );
            }
        }

        Assert.Single(local.Requests.Of(LocalApi.Metadata));
        Assert.Equal(WireErrorCode.UnknownTopicOrPartition, (await cluster.LeaderAsync("t", 3, CancellationToken.None)).Error);
        Assert.Equal(WireErrorCode.UnknownTopicOrPartition, (await cluster.LeaderAsync("nothing", 0, CancellationToken.None)).Error);
    }

    [Theory]
    [InlineData(17)]
    [InlineData(11)]
    public async Task A_leader_that_moved_is_found_after_the_error_that_says_so(short fetchVersion)
    {
        await using var local = LocalCluster.Start(
            new LocalClusterOptions
            {
                Brokers = 3,
                NewestVersions = new Dictionary<LocalApi, short> { [LocalApi.Fetch] = fetchVersion },
            }
        );
        local.CreateTopic("t", 1, replicationFactor: 3);
        await using var cluster = new WireCluster(Options(local));
        for (var round = 0; round < 4; round++)
        {
            var before = await cluster.LeaderAsync("t", 0, CancellationToken.None);
            local.MoveLeader("t", 0, (before.Broker % 3) + 1);
            local.Requests.Clear();
            using var answer = await cluster.AskAsync(before.Broker, 1, Fetch(local, "t", 0, before.Epoch), CancellationToken.None);
            var partition = Only(answer);
            Assert.Equal(WireErrorCode.NotLeaderOrFollower, partition.Error);
            cluster.NoteError("t", 0, partition.Error, partition.Leader, answer.Endpoints);
            var after = await cluster.LeaderAsync("t", 0, CancellationToken.None);
            Assert.Equal((before.Broker % 3) + 1, after.Broker);
            Assert.Equal(before.Epoch + 1, after.Epoch);

            // From version 12 on the answer itself names the new leader.
            Assert.Equal(fetchVersion >= 12 ? 0 : 1, local.Requests.Of(LocalApi.Metadata).Count);
        }
    }

    [Fact]
    public async Task An_epoch_that_is_too_old_or_too_new_is_told_apart()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("t");
        await using var cluster = new WireCluster(Options(local));
        var leader = await cluster.LeaderAsync("t", 0, CancellationToken.None);
        local.MoveLeader("t", 0, 1);
        Assert.Equal(WireErrorCode.FencedLeaderEpoch, await ErrorOf(leader.Epoch));
        Assert.Equal(WireErrorCode.UnknownLeaderEpoch, await ErrorOf(leader.Epoch + 2));
        Assert.Equal(WireErrorCode.None, await ErrorOf(leader.Epoch + 1));

        async Task<WireErrorCode> ErrorOf(int epoch)
        {
            using var answer = await cluster.AskAsync(1, 1, Fetch(local, "t", 0, epoch), CancellationToken.None);
            return Only(answer).Error;
        }
    }

    [Fact]
    public void Metadata_of_a_broker_that_lags_does_not_bring_an_old_leader_back()
    {
        var cache = new MetadataCache(TimeProvider.System, TimeSpan.FromMinutes(1));
        var id = Guid.NewGuid();
        cache.Update(Answer(id, leader: 2, epoch: 5));
        cache.Update(Answer(id, leader: 1, epoch: 4));
        Assert.Equal(2, cache.LeaderOf("t", 0).Broker);
        Assert.False(cache.NoteLeader("t", 0, new LeaderEpoch(1, 5), []));
        Assert.True(cache.NoteLeader("t", 0, new LeaderEpoch(1, 6), []));
        Assert.Equal(1, cache.LeaderOf("t", 0).Broker);

        // A recreated topic begins again with small epochs.
        var recreated = Guid.NewGuid();
        cache.Update(Answer(recreated, leader: 2, epoch: 0));
        Assert.Equal(new PartitionLeader(2, 0, recreated, WireErrorCode.None), cache.LeaderOf("t", 0));
    }

    [Fact]
    public void L4_a_recreated_topic_without_ids_is_found_after_the_broker_did_not_know_its_epoch()
    {
        var cache = new MetadataCache(TimeProvider.System, TimeSpan.FromMinutes(1));
        cache.Update(Answer(Guid.Empty, leader: 2, epoch: 5));
        cache.Update(Answer(Guid.Empty, leader: 1, epoch: 0));
        Assert.Equal(5, cache.LeaderOf("t", 0).Epoch);
        cache.Doubt("t");
        Assert.False(cache.TryGetLeader("t", 0, out _));
        cache.Update(Answer(Guid.Empty, leader: 1, epoch: 0));
        Assert.Equal(new PartitionLeader(1, 0, Guid.Empty, WireErrorCode.None), cache.LeaderOf("t", 0));
    }

    [Fact]
    public async Task A_refresh_of_no_topics_asks_for_the_brokers_and_ends()
    {
        await using var local = LocalCluster.Start();
        await using var cluster = new WireCluster(Options(local));
        await cluster.ConnectAsync(CancellationToken.None);
        await cluster.RefreshAsync([], CancellationToken.None);
        Assert.Equal(2, local.Requests.Of(LocalApi.Metadata).Count);
    }

    [Fact]
    public async Task Closing_ends_a_refresh_that_is_under_way()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("t");
        var cluster = new WireCluster(Options(local));
        await cluster.ConnectAsync(CancellationToken.None);
        var frozen = local.Faults.On(LocalApi.Metadata).Freeze();
        var asked = cluster.LeaderAsync("t", 0, CancellationToken.None).AsTask();
        await frozen.WaitForHits();
        await cluster.DisposeAsync();
        var error = await Assert.ThrowsAsync<WireException>(() => asked);
        Assert.Equal(WireFailure.Closed, error.Kind);
    }

    private static MetadataResponse Answer(Guid id, int leader, int epoch) =>
        new(
            TimeSpan.Zero,
            [new(1, "a", 1, null), new(2, "b", 2, null)],
            "c",
            1,
            [new(WireErrorCode.None, "t", id, false, [new(WireErrorCode.None, 0, leader, epoch, [1, 2], [1, 2], [])], 0)]
        );

    [Fact]
    public async Task A_thousand_leaders_asked_for_at_once_cost_a_few_requests()
    {
        await using var local = LocalCluster.Start();
        for (var i = 0; i < 1000; i++)
        {
            local.CreateTopic($"t{i}");
        }

        await using var cluster = new WireCluster(Options(local));
        await Task.WhenAll(Enumerable.Range(0, 1000).Select(i => cluster.LeaderAsync($"t{i}", 0, CancellationToken.None).AsTask()));
        Assert.InRange(local.Requests.Of(LocalApi.Metadata).Count, 1, 50);
    }

    [Fact]
    public async Task Data_and_everything_else_have_connections_of_their_own()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("t");
        await using var cluster = new WireCluster(Options(local));
        await cluster.ConnectAsync(CancellationToken.None);
        for (var lane = WireCluster.Control; lane <= 2; lane++)
        {
            (await cluster.AskAsync(1, lane, Fetch(local, "t", 0), CancellationToken.None)).Dispose();
            (await cluster.AskAsync(1, lane, Fetch(local, "t", 0), CancellationToken.None)).Dispose();
        }

        Assert.Equal(3, local.Requests.All.Select(r => r.Connection).Distinct().Count());
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => cluster.AskAsync(1, 3, Brokers, CancellationToken.None));
    }

    [Fact]
    public async Task D3_one_live_broker_among_dead_ones_is_enough_and_none_is_an_error_at_once()
    {
        await using var local = LocalCluster.Start();
        var dead = new[] { UnusedPort(), UnusedPort() };
        await using (var cluster = new WireCluster(Options($"127.0.0.1:{dead[0]},{local.BootstrapServers},127.0.0.1:{dead[1]}")))
        {
            await cluster.ConnectAsync(CancellationToken.None);
            Assert.Equal(local.ClusterId, cluster.ClusterId);
        }

        await using var none = new WireCluster(Options($"127.0.0.1:{dead[0]},127.0.0.1:{dead[1]}"));
        var error = await Assert.ThrowsAsync<WireException>(() => none.ConnectAsync(CancellationToken.None));
        Assert.Equal(WireFailure.Refused, error.Kind);
        Assert.All(
            dead,
            port => Assert.Contains($"127.0.0.1:{port} cannot be reached: nothing listens there", error.Message, StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task A_broker_that_is_lost_is_replaced_by_another_and_found_again()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { Brokers = 2 });
        local.CreateTopic("t", 1, replicationFactor: 2);
        await using var cluster = new WireCluster(Options(local));
        for (var round = 0; round < 6; round++)
        {
            var leader = await cluster.LeaderAsync("t", 0, CancellationToken.None);
            await local.StopBroker(leader.Broker);
            var error = await Assert.ThrowsAsync<WireException>(() =>
                cluster.AskAsync(leader.Broker, 1, Fetch(local, "t", 0, leader.Epoch), CancellationToken.None)
            );
            Assert.True(error.IsTransient, error.ToString());
            cluster.NoteLost(["t"]);
            var next = await cluster.LeaderAsync("t", 0, CancellationToken.None);
            Assert.NotEqual(leader.Broker, next.Broker);
            (await cluster.AskAsync(next.Broker, 1, Fetch(local, "t", 0, next.Epoch), CancellationToken.None)).Dispose();
            local.StartBroker(leader.Broker);
        }
    }

    [Fact]
    public async Task Attempts_to_connect_are_made_with_growing_pauses()
    {
        var clock = new ManualClock();
        await using var broker = ScriptedBroker.Raw(_ => Task.CompletedTask);
        await using var slot = new ConnectionSlot(
            Address(broker.Address),
            1,
            Options(broker.Address) with
            {
                Clock = clock,
                ReconnectBackoff = TimeSpan.FromSeconds(1),
                ReconnectBackoffMax = TimeSpan.FromSeconds(8),
            },
            new(),
            null
        );
        await Assert.ThrowsAsync<WireException>(() => slot.GetAsync(CancellationToken.None).AsTask());
        double[] pauses = [1, 2, 4, 8, 8];
        foreach (var pause in pauses)
        {
            var began = clock.GetUtcNow();
            var connections = broker.Connections;
            await Assert.ThrowsAsync<WireException>(() =>
                clock.RunAsync(slot.GetAsync(CancellationToken.None).AsTask(), TimeSpan.FromMilliseconds(100))
            );
            Assert.Equal(connections + 1, broker.Connections);
            Assert.True((clock.GetUtcNow() - began).TotalSeconds >= pause * 0.8 - 0.1);
        }
    }

    [Fact]
    public async Task A_coordinator_is_found_again_when_it_moved_and_waited_for_while_it_loads()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { Brokers = 2 });
        await using var cluster = new WireCluster(Options(local));
        var request = new InitProducerIdRequest("tx-1", TimeSpan.FromSeconds(60));
        var first = await Ask();
        local.Faults.On(LocalApi.InitProducerId).Times(1).Fail(ErrorCode.NotCoordinator);
        var second = await Ask();
        local.Faults.On(LocalApi.InitProducerId).Times(3).Fail(ErrorCode.CoordinatorLoadInProgress);
        var third = await Ask();
        Assert.Equal((first.ProducerId, first.ProducerEpoch + 1), (second.ProducerId, second.ProducerEpoch));
        Assert.Equal((first.ProducerId, first.ProducerEpoch + 2), (third.ProducerId, third.ProducerEpoch));
        Assert.Equal(2, local.Requests.Of(LocalApi.FindCoordinator).Count);

        async Task<InitProducerIdResponse> Ask()
        {
            var answer = await cluster.AskCoordinatorAsync(
                CoordinatorType.Transaction,
                "tx-1",
                request,
                a => a.Error,
                CancellationToken.None
            );
            Assert.Equal(WireErrorCode.None, answer.Error);
            return answer;
        }
    }

    [Fact]
    public async Task Closing_ends_what_is_under_way_and_gives_all_buffers_back()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("t");
        for (var round = 0; round < 30; round++)
        {
            local.Faults.Clear();
            var frozen = local.Faults.On(LocalApi.Fetch).Freeze();
            var options = Options(local);
            var cluster = new WireCluster(options);
            await cluster.ConnectAsync(CancellationToken.None);
            var asked = Enumerable
                .Range(0, 4)
                .Select(i => cluster.AskAsync(1, 1 + (i % 2), Fetch(local, "t", 0), CancellationToken.None))
                .ToList();
            if (round % 3 != 0)
            {
                await frozen.WaitForHits(round % 3);
            }

            await cluster.DisposeAsync();
            foreach (var one in asked)
            {
                var error = await Assert.ThrowsAnyAsync<Exception>(() => one);
                Assert.True(error is WireException { Kind: WireFailure.Closed } or ObjectDisposedException, error.ToString());
            }

            Assert.Equal(0, options.Buffers!.Outstanding);
        }
    }

    [Theory]
    [InlineData("a:1", "a", 1)]
    [InlineData("a", "a", 9092)]
    [InlineData("SASL_SSL://a.b:19092", "a.b", 19092)]
    [InlineData("[::1]:5", "::1", 5)]
    [InlineData("[::1]", "::1", 9092)]
    [InlineData("::1", "::1", 9092)]
    public void Addresses_are_read_as_users_write_them(string text, string host, int port) =>
        Assert.Equal(new WireAddress(host, port), Address(text));

    [Theory]
    [InlineData("")]
    [InlineData("a:b")]
    [InlineData("a:0")]
    [InlineData("a:70000")]
    [InlineData("[::1")]
    [InlineData("a b:1")]
    public void What_is_no_address_is_refused(string text) => Assert.False(WireAddress.TryParse(text, out _));

    [Fact]
    public void Error_codes_have_Kafkas_names_and_know_what_may_be_tried_again()
    {
        Assert.Equal("NOT_LEADER_OR_FOLLOWER", WireErrorCode.NotLeaderOrFollower.KafkaName());
        Assert.Equal("INVALID_TOPIC_EXCEPTION", WireErrorCode.InvalidTopicException.KafkaName());
        Assert.Equal("error 9999", ((WireErrorCode)9999).KafkaName());
        Assert.True(WireErrorCode.NotEnoughReplicas.IsRetriable());
        Assert.False(WireErrorCode.TopicAuthorizationFailed.IsRetriable());
        Assert.All(Enum.GetValues<ErrorCode>(), code => Assert.True(Enum.IsDefined((WireErrorCode)(short)code), code.ToString()));
    }
}
