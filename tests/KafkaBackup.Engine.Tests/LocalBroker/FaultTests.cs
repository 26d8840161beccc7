using Confluent.Kafka;
using Confluent.Kafka.Admin;
using KafkaBackup.LocalBroker;
using Xunit;
using static KafkaBackup.LocalBroker.Tests.Clients;
using ErrorCode = KafkaBackup.LocalBroker.ErrorCode;

namespace KafkaBackup.LocalBroker.Tests;

public sealed class FaultTests
{
    [Fact]
    public async Task The_nth_request_fails_and_the_others_do_not()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        var fault = cluster.Faults.On(ApiKey.Produce).Topic("t").Skip(1).Once().Fail(ErrorCode.MessageTooLarge);
        using var producer = Producer(cluster);
        await producer.ProduceAsync("t", Message("k", "1"));
        await Assert.ThrowsAsync<ProduceException<byte[]?, byte[]?>>(() => producer.ProduceAsync("t", Message("k", "2")));
        await producer.ProduceAsync("t", Message("k", "3"));
        Assert.Equal(1, fault.Hits);
        Assert.Equal(["1", "3"], cluster.Read("t").Select(r => r.ValueText));
    }

    [Fact]
    public async Task A_fault_of_one_partition_leaves_the_others_alone()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t", 2);
        cluster.Faults.On(ApiKey.Produce).Topic("t").Partition(1).Fail(ErrorCode.MessageTooLarge);
        using var producer = Producer(cluster);
        await producer.ProduceAsync(new Confluent.Kafka.TopicPartition("t", 0), Message("k", "ok"));
        await Assert.ThrowsAsync<ProduceException<byte[]?, byte[]?>>(() =>
            producer.ProduceAsync(new Confluent.Kafka.TopicPartition("t", 1), Message("k", "bad"))
        );
        Assert.Equal((1L, 0L), (cluster.LogEnd("t", 0), cluster.LogEnd("t", 1)));
    }

    [Fact]
    public async Task A_fault_of_one_client_leaves_the_others_alone()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.Faults.On(ApiKey.Produce).Client("victim").Fail(ErrorCode.MessageTooLarge);
        using var victim = Producer(cluster, c => c.ClientId = "victim");
        using var other = Producer(cluster, c => c.ClientId = "other");
        await Assert.ThrowsAsync<ProduceException<byte[]?, byte[]?>>(() => victim.ProduceAsync("t", Message("k", "1")));
        await other.ProduceAsync("t", Message("k", "2"));
        Assert.Equal(["2"], cluster.Read("t").Select(r => r.ValueText));
    }

    [Fact]
    public async Task A_retriable_error_is_retried_until_the_fault_is_removed()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        var fault = cluster.Faults.On(ApiKey.Produce).Fail(ErrorCode.NotEnoughReplicas);
        using var producer = Producer(cluster, c => c.RetryBackoffMaxMs = 50);
        var sending = producer.ProduceAsync("t", Message("k", "v"));
        await fault.WaitForHits(3);
        Assert.False(sending.IsCompleted);
        fault.Remove();
        await sending;
        Assert.Equal(1, cluster.LogEnd("t"));
    }

    [Fact]
    public async Task A_delayed_request_takes_its_time()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        using var producer = Producer(cluster);
        await producer.ProduceAsync("t", Message("k", "warm"));
        cluster.Faults.On(ApiKey.Produce).Once().Delay(TimeSpan.FromMilliseconds(400));
        var watch = System.Diagnostics.Stopwatch.StartNew();
        await producer.ProduceAsync("t", Message("k", "slow"));
        Assert.True(watch.ElapsedMilliseconds >= 390);
    }

    [Fact]
    public async Task A_dropped_request_did_nothing()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        var fault = cluster.Faults.On(ApiKey.Produce).Once().DropBeforeHandling();
        using var producer = Producer(cluster);
        await producer.ProduceAsync("t", Message("k", "v"));
        Assert.Equal(1, fault.Hits);
        Assert.Equal(1, cluster.LogEnd("t"));
    }

    [Fact]
    public async Task Frozen_requests_are_appended_after_their_client_has_died()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        var frozen = cluster.Faults.On(ApiKey.Produce).Freeze();
        var producer = Producer(
            cluster,
            c =>
            {
                c.EnableIdempotence = true;
                c.BatchNumMessages = 1;
            }
        );
        producer.Produce("t", Message("k", "late1"));
        producer.Produce("t", Message("k", "late2"));
        await frozen.WaitForHits();
        await Eventually(() => producer.Poll(TimeSpan.FromMilliseconds(20)) == 0);
        await Task.Delay(200);
        producer.Dispose();
        Assert.Equal(0, cluster.LogEnd("t"));
        frozen.Thaw();
        await Eventually(() => cluster.LogEnd("t") == 2);
        Assert.Equal(["late1", "late2"], cluster.Read("t").Select(r => r.ValueText));
    }

    [Fact]
    public async Task A_cluster_stops_at_once_while_requests_are_frozen()
    {
        var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        var frozen = cluster.Faults.On(ApiKey.Produce).Freeze();
        using var producer = Producer(cluster);
        producer.Produce("t", Message("k", "v"));
        await frozen.WaitForHits();
        await cluster.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Empty(cluster.UnexpectedErrors);
    }

    [Fact]
    public async Task An_admin_call_may_fail_too()
    {
        await using var cluster = LocalCluster.Start();
        cluster.Faults.On(ApiKey.CreateTopics).Topic("bad").Fail(ErrorCode.PolicyViolation);
        using var admin = Admin(cluster);
        var error = await Assert.ThrowsAsync<CreateTopicsException>(() =>
            admin.CreateTopicsAsync([
                new TopicSpecification
                {
                    Name = "bad",
                    NumPartitions = 1,
                    ReplicationFactor = 1,
                },
                new TopicSpecification
                {
                    Name = "good",
                    NumPartitions = 1,
                    ReplicationFactor = 1,
                },
            ])
        );
        Assert.Equal(Confluent.Kafka.ErrorCode.PolicyViolation, error.Results.Single(r => r.Topic == "bad").Error.Code);
        Assert.Equal(["good"], cluster.TopicNames);
    }

    [Fact]
    public async Task A_fault_on_every_api_spares_the_opening_of_connections()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        var fault = cluster.Faults.OnAny().Times(3).DropBeforeHandling();
        using var producer = Producer(cluster);
        await producer.ProduceAsync("t", Message("k", "v"));
        Assert.Equal(3, fault.Hits);
    }

    [Fact]
    public async Task Broken_connections_are_made_anew()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        using var producer = Producer(cluster, c => c.EnableIdempotence = true);
        for (var i = 0; i < 5; i++)
        {
            await producer.ProduceAsync("t", Message("k", "v" + i));
            cluster.DropConnections();
        }

        Assert.Equal(5, cluster.LogEnd("t"));
    }
}
