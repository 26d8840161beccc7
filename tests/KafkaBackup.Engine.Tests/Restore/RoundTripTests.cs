using KafkaBackup.Engine.Tests.Scenarios;
using KafkaBackup.LocalBroker;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>What was backed up is what arrives, record for record.</summary>
public class RoundTripTests : OnStore
{
    [Fact]
    public async Task E1_a_topic_arrives_record_for_record_in_another_cluster()
    {
        await using var scenario = await OpenRestoreAsync();
        scenario.Source.Cluster.CreateTopic("orders", partitions: 3);
        for (var partition = 0; partition < 3; partition++)
        {
            scenario.Source.Fill("orders", 2500 + partition, partition: partition);
        }

        await scenario.Source.BackUpAsync();
        var result = await scenario.RestoredAsync(RestoreScenario.Asked() with { CheckpointPath = scenario.CheckpointPath });

        Assert.Equal(7503, result.RecordCount);
        Assert.False(result.Resumed);
        Assert.False(File.Exists(scenario.CheckpointPath));
        for (var partition = 0; partition < 3; partition++)
        {
            scenario.AssertEqual("orders", partition);
        }
    }

    [Fact]
    public async Task E2_many_small_partitions_share_the_producers_of_their_lanes()
    {
        const int Partitions = 40;
        const int Lanes = 3;
        await using var scenario = await OpenRestoreAsync();
        scenario.Source.Cluster.CreateTopic("orders", Partitions);
        for (var partition = 0; partition < Partitions; partition++)
        {
            scenario.Source.Fill("orders", 5 + partition, partition: partition);
        }

        await scenario.Source.BackUpAsync();
        await scenario.RestoredAsync(RestoreScenario.Asked() with { MaxConcurrentPartitions = Lanes });

        for (var partition = 0; partition < Partitions; partition++)
        {
            scenario.AssertEqual("orders", partition);
        }

        Assert.InRange(scenario.Target.Requests.Of(ApiKey.InitProducerId).Count, 1, Lanes);
    }

    [Theory]
    [InlineData(DeliveryMode.Idempotent)]
    [InlineData(DeliveryMode.Transactional)]
    public async Task E4_a_record_larger_than_what_a_lane_may_have_under_way_goes_alone(DeliveryMode delivery)
    {
        const int Lanes = 3;
        const int Giant = 5 << 20;
        await using var scenario = new RestoreScenario();
        var large = new Dictionary<string, string> { ["max.message.bytes"] = "10000000" };
        scenario.Source.Cluster.CreateTopic("orders", Lanes, large);
        for (var partition = 0; partition < Lanes; partition++)
        {
            scenario.Source.Fill("orders", 20, partition: partition);
        }

        scenario.Source.Cluster.Append("orders", 1, [LocalRecord.Of("k", new string('g', Giant), 1_700_000_000_000)]);
        scenario.Source.Fill("orders", 20, partition: 1);
        await scenario.Source.BackUpAsync();
        var result = await scenario.RestoredAsync(RestoreScenario.Asked() with { Delivery = delivery, MaxConcurrentPartitions = Lanes });

        Assert.Equal((Lanes * 20) + 21, result.RecordCount);
        scenario.AssertEqual("orders", 1, committedOnly: true);
    }

    [Fact]
    public async Task E2_a_transactional_restore_arrives_record_for_record()
    {
        await using var scenario = await OpenRestoreAsync();
        scenario.Source.Cluster.CreateTopic("orders", partitions: 2);
        scenario.Source.Fill("orders", 2500, partition: 0);
        scenario.Source.Fill("orders", 1200, partition: 1);
        await scenario.Source.BackUpAsync();
        var result = await scenario.RestoredAsync(RestoreScenario.Asked() with { Delivery = DeliveryMode.Transactional });

        Assert.Equal(3700, result.RecordCount);
        scenario.AssertEqual("orders", 0, committedOnly: true);
        scenario.AssertEqual("orders", 1, committedOnly: true);
        scenario.AssertNoProgress();
    }
}
