using KafkaBackup.Engine.Cluster;
using KafkaBackup.LocalBroker;
using KafkaBackup.LocalBroker.Wire;
using Xunit;
using static KafkaBackup.Engine.Tests.Cluster.ClusterTesting;

namespace KafkaBackup.Engine.Tests.Cluster;

public sealed class GroupTests
{
    /// <summary>The client library brought the process down here.</summary>
    [Theory]
    [InlineData(ErrorCode.NotCoordinator)]
    [InlineData(ErrorCode.CoordinatorNotAvailable)]
    public async Task F4_requests_about_offsets_follow_a_coordinator_that_has_moved(ErrorCode moved)
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders", 2);
        await using var cluster = Connect(local);
        foreach (var api in (ApiKey[])[ApiKey.OffsetFetch, ApiKey.OffsetCommit, ApiKey.OffsetDelete])
        {
            local.Faults.On(api).Times(2).Fail(moved);
        }

        await cluster.AlterGroupOffsetsAsync("billing", [new(new("orders", 0), 5, "x"), new(new("orders", 1), 6, "y")], Limit());
        Assert.Equal([5, 6], (await cluster.ListGroupOffsetsAsync("billing", true, Limit())).Select(o => o.Offset));
        Assert.Equal(
            6,
            Assert.Single(await cluster.ListGroupOffsetsAsync("billing", [new("orders", 1), new("orders", 7)], true, Limit())).Offset
        );
        await cluster.DeleteGroupOffsetsAsync("billing", [new("orders", 0)], Limit());
        Assert.Equal(new("orders", 1), Assert.Single(await cluster.ListGroupOffsetsAsync("billing", true, Limit())).Partition);
    }

    [Fact]
    public async Task F3_group_offsets_keep_their_metadata_both_ways()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders", 3);
        await using var cluster = Connect(local);
        GroupOffset[] offsets =
        [
            new(new("orders", 0), 42, "note: ü, \"quoted\""),
            new(new("orders", 1), 7, ""),
            new(new("orders", 2), 0, "zero"),
        ];
        await cluster.AlterGroupOffsetsAsync("billing", offsets, Limit());
        Assert.Equal("note: ü, \"quoted\"", local.GroupOffsets("billing")[new("orders", 0)].Metadata);

        var read = await cluster.ListGroupOffsetsAsync("billing", requireStable: true, Limit());
        Assert.Equal(
            offsets.Select(offset => (offset.Partition, offset.Offset, offset.Metadata)),
            read.OrderBy(offset => offset.Partition).Select(offset => (offset.Partition, offset.Offset, offset.Metadata))
        );
        Assert.Equal(["billing"], (await cluster.ListGroupsAsync(TimeSpan.FromSeconds(10), Limit())).Groups);
    }

    [Fact]
    public async Task F4_offsets_of_a_group_can_be_removed_again()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders", 2);
        local.CommitOffset("billing", "orders", 0, 1);
        local.CommitOffset("billing", "orders", 1, 2);
        await using var cluster = Connect(local);
        await cluster.DeleteGroupOffsetsAsync("billing", [new("orders", 0)], Limit());
        Assert.Equal(
            [new("orders", 1)],
            (await cluster.ListGroupOffsetsAsync("billing", false, Limit())).Select(offset => offset.Partition)
        );
    }

    [Fact]
    public async Task F4_states_tell_empty_active_and_unknown_groups_apart()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        local.CommitOffset("idle", "orders", 0, 1);
        await using var cluster = Connect(local);
        using var consumer = Subscribe(local, "busy");
        await WaitFor(() => local.GroupState("busy") == "Stable", () => consumer.Consume(TimeSpan.FromMilliseconds(50)));
        var states = await cluster.DescribeGroupsAsync(["idle", "busy", "nobody"], Limit());
        Assert.Equal(new GroupState("Empty", 0), states["idle"]);
        Assert.Equal(new GroupState("Stable", 1), states["busy"]);
        Assert.Equal("Dead", states["nobody"].State);
        Assert.False(states["nobody"].IsActive);
        Assert.True(states["busy"].IsActive);
    }

    [Fact]
    public async Task F4_an_active_group_is_not_written()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        await using var cluster = Connect(local);
        using var consumer = Subscribe(local, "busy");
        await WaitFor(() => local.GroupState("busy") == "Stable", () => consumer.Consume(TimeSpan.FromMilliseconds(50)));
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() =>
            cluster.AlterGroupOffsetsAsync("busy", [new(new("orders", 0), 1, "")], Limit())
        );
        Assert.Equal(nameof(ErrorIds.GroupActive), error.ErrorId);
    }

    [Fact]
    public async Task F1_an_unknown_group_has_no_offsets()
    {
        await using var local = LocalCluster.Start();
        await using var cluster = Connect(local);
        Assert.Empty(await cluster.ListGroupOffsetsAsync("nobody", true, Limit()));
    }

    [Fact]
    public async Task F1_a_missing_right_to_a_group_is_named()
    {
        await using var local = LocalCluster.Start();
        local.Deny(ApiKey.OffsetFetch, "billing");
        await using var cluster = Connect(local);
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => cluster.ListGroupOffsetsAsync("billing", true, Limit()));
        Assert.Equal(nameof(ErrorIds.ClusterUnauthorized), error.ErrorId);
    }

    [Fact]
    public async Task B11_a_coordinator_that_hangs_does_not_keep_the_offsets_from_us()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        local.CommitOffset("billing", "orders", 0, 7);
        await using var cluster = Connect(local);
        var frozen = local.Faults.On(ApiKey.OffsetFetch).Once();
        frozen.Freeze();

        var offsets = await cluster.ListGroupOffsetsAsync("billing", true, Limit(20));

        frozen.Thaw();
        Assert.Equal(7, Assert.Single(offsets).Offset);
    }

    private static Confluent.Kafka.IConsumer<string, string> Subscribe(LocalCluster local, string group)
    {
        var consumer = new Confluent.Kafka.ConsumerBuilder<string, string>(
            new Confluent.Kafka.ConsumerConfig
            {
                BootstrapServers = local.BootstrapServers,
                GroupId = group,
                EnableAutoCommit = false,
            }
        ).Build();
        consumer.Subscribe("orders");
        return consumer;
    }

    private static async Task WaitFor(Func<bool> done, Action step)
    {
        var limit = Limit(20);
        while (!done())
        {
            step();
            await Task.Delay(10, limit);
        }
    }
}
