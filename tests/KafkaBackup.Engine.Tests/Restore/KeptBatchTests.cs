using KafkaBackup.Engine.Batches;
using KafkaBackup.LocalBroker;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>Batches that a restore sends as they are, and those that it takes apart.</summary>
public sealed class KeptBatchTests
{
    private const long Time = 1_700_000_000_000;

    public static TheoryData<BatchCodec, DeliveryMode> Kinds
    {
        get
        {
            var kinds = new TheoryData<BatchCodec, DeliveryMode>();
            foreach (var codec in Enum.GetValues<BatchCodec>())
            {
                kinds.Add(codec, DeliveryMode.Idempotent);
                kinds.Add(codec, DeliveryMode.Transactional);
            }

            return kinds;
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task L5_an_unchanged_batch_is_sent_with_its_records_part_unchanged(BatchCodec codec, DeliveryMode delivery)
    {
        await using var scenario = await FilledAsync(codec, batches: 6, records: 40);

        var result = await scenario.RestoredAsync(RestoreScenario.Asked() with { Delivery = delivery });

        Assert.Equal((6L, 0L, 240L), (result.BatchesKept, result.BatchesRebuilt, result.RecordCount));
        Assert.Equal(RecordsParts(scenario.Source.Cluster), RecordsParts(scenario.Target));
        Assert.All(Sent(scenario.Target), batch => Assert.Equal(codec, batch.Codec));
        Assert.All(Sent(scenario.Target), batch => Assert.Equal(delivery == DeliveryMode.Transactional, batch.IsTransactional));
        scenario.AssertEqual("orders", committedOnly: true);
        Assert.Contains(
            "6 record batches were sent as they are",
            string.Join('\n', scenario.Events.VerboseLines),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task L5_lost_answers_and_refusals_for_a_while_repeat_and_lose_no_batch(BatchCodec codec, DeliveryMode delivery)
    {
        await using var scenario = await FilledAsync(codec, batches: 20, records: 40);
        scenario.Target.Faults.On(ApiKey.Produce).Skip(1).Times(1).DropAfterHandling();
        scenario.Target.Faults.On(ApiKey.Produce).Skip(5).Times(2).DropAfterHandling();
        scenario.Target.Faults.On(ApiKey.Produce).Skip(9).Times(3).Fail(ErrorCode.NotEnoughReplicas);

        var result = await scenario.RestoredAsync(RestoreScenario.Asked() with { Delivery = delivery });

        Assert.Equal((20L, 0L), (result.BatchesKept, result.BatchesRebuilt));
        scenario.AssertEqual("orders", committedOnly: true);
    }

    [Theory]
    [InlineData(BatchCodec.None)]
    [InlineData(BatchCodec.Zstd)]
    public async Task L5_headers_that_are_added_rebuild_every_batch_with_its_codec(BatchCodec codec)
    {
        await using var scenario = await FilledAsync(codec, batches: 3, records: 40);

        var result = await scenario.RestoredAsync(RestoreScenario.Asked() with { IncludeOriginalOffsetHeader = true });

        Assert.Equal((0L, 3L, 120L), (result.BatchesKept, result.BatchesRebuilt, result.RecordCount));
        Assert.All(Sent(scenario.Target), batch => Assert.Equal(codec, batch.Codec));
        Assert.All(scenario.Restored("orders"), record => Assert.Equal(2, record.Headers.Count));
    }

    [Theory]
    [InlineData(BatchCodec.None)]
    [InlineData(BatchCodec.Lz4)]
    public async Task L5_small_batches_in_a_row_are_joined_and_a_large_one_between_them_stays(BatchCodec codec)
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders");
        var next = 0;
        Append(scenario, codec, 30, 3, ref next);
        Append(scenario, codec, 1, 40, ref next);
        Append(scenario, codec, 30, 3, ref next);
        await scenario.Source.BackUpAsync();

        var result = await scenario.RestoredAsync();

        Assert.Equal((1L, 60L, 220L), (result.BatchesKept, result.BatchesRebuilt, result.RecordCount));
        Assert.InRange(Sent(scenario.Target).Count, 3, 10);
        Assert.All(Sent(scenario.Target), batch => Assert.Equal(codec, batch.Codec));
        scenario.AssertEqual("orders");
    }

    [Fact]
    public async Task L5_a_batch_with_holes_is_rebuilt_and_its_neighbours_stay()
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders");
        var next = 0;
        Append(scenario, BatchCodec.Gzip, 1, 40, ref next);
        var holed = Build(BatchCodec.Gzip, Enumerable.Range(0, 40).Select(i => 2 * i), next);
        scenario.Source.Cluster.AppendRaw("orders", 0, holed);
        Append(scenario, BatchCodec.Gzip, 1, 40, ref next);
        await scenario.Source.BackUpAsync();

        var result = await scenario.RestoredAsync();

        Assert.Equal((2L, 1L, 120L), (result.BatchesKept, result.BatchesRebuilt, result.RecordCount));
        Assert.Equal(
            scenario.Source.Cluster.Read("orders").Select(r => r.ValueText),
            scenario.Target.Read("orders").Select(r => r.ValueText)
        );
        Assert.Equal(120, scenario.Target.LogEnd("orders"));
    }

    [Fact]
    public async Task L5_a_window_rebuilds_the_batches_of_the_blocks_that_it_cuts()
    {
        await using var scenario = await FilledAsync(BatchCodec.None, batches: 4, records: 40);

        var result = await scenario.RestoredAsync(RestoreScenario.Asked() with { TimeWindowStart = Time + 10, TimeWindowEnd = Time + 99 });

        Assert.Equal((0L, 90L), (result.BatchesKept, result.RecordCount));
        scenario.AssertEqual("orders", only: r => r.Timestamp is >= Time + 10 and <= Time + 99);
    }

    [Fact]
    public async Task L5_times_that_the_source_stamped_are_kept_by_rebuilding()
    {
        await using var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic(
            "orders",
            config: new Dictionary<string, string> { ["message.timestamp.type"] = "LogAppendTime" }
        );
        var next = 0;
        Append(scenario, BatchCodec.None, 3, 40, ref next);
        await scenario.Source.BackUpAsync();

        var result = await scenario.RestoredAsync(
            RestoreScenario.Asked() with
            {
                TopicConfigOverrides = new Dictionary<string, IReadOnlyDictionary<string, string>>
                {
                    [""] = new Dictionary<string, string> { ["message.timestamp.type"] = "CreateTime" },
                },
            }
        );

        Assert.Equal((0L, 3L), (result.BatchesKept, result.BatchesRebuilt));
        Assert.Equal(
            scenario.Source.Cluster.Read("orders").Select(r => r.Timestamp),
            scenario.Target.Read("orders").Select(r => r.Timestamp)
        );
    }

    [Theory]
    [InlineData(DeliveryMode.Idempotent)]
    [InlineData(DeliveryMode.Transactional)]
    public async Task L5_batches_larger_than_the_target_takes_are_rebuilt_smaller(DeliveryMode delivery)
    {
        await using var scenario = await FilledAsync(BatchCodec.None, batches: 4, records: 100);
        scenario.Target.CreateTopic("orders", config: new Dictionary<string, string> { ["max.message.bytes"] = "30000" });

        var result = await scenario.RestoredAsync(RestoreScenario.Asked() with { Delivery = delivery });

        Assert.Equal((0L, 4L), (result.BatchesKept, result.BatchesRebuilt));
        Assert.All(Sent(scenario.Target), batch => Assert.InRange(batch.Length, 1, 30_000));
        scenario.AssertEqual("orders", committedOnly: true);
    }

    [Theory]
    [InlineData(DeliveryMode.Idempotent)]
    [InlineData(DeliveryMode.Transactional)]
    public async Task E4_a_target_that_takes_smaller_batches_than_it_said_is_found_out_with_kept_ones_too(DeliveryMode delivery)
    {
        await using var scenario = await FilledAsync(BatchCodec.None, batches: 4, records: 100);
        scenario.Target.CreateTopic("orders");
        await using var planned = await scenario.PlanAsync(RestoreScenario.Asked() with { Delivery = delivery });
        scenario.Target.SetTopicConfig("orders", "max.message.bytes", "30000");

        var result = (await planned.RunAsync(scenario.Cancel)).Single();

        Assert.Equal((RestoreStatus.Complete, 400L), (result.Status, result.RecordCount));
        scenario.AssertEqual("orders", committedOnly: true);
    }

    [Theory]
    [InlineData(DeliveryMode.Idempotent)]
    [InlineData(DeliveryMode.Transactional)]
    public async Task L5_a_codec_that_the_target_does_not_know_is_taken_off(DeliveryMode delivery)
    {
        await using var scenario = await FilledAsync(BatchCodec.Zstd, batches: 3, records: 40);
        scenario.Target.CreateTopic("orders");
        var refused = scenario.Target.Faults.On(ApiKey.Produce).Times(1).Fail(ErrorCode.UnsupportedCompressionType);

        var result = await scenario.RestoredAsync(RestoreScenario.Asked() with { Delivery = delivery });

        await refused.WaitForHits(1);
        Assert.Equal((0L, 3L), (result.BatchesKept, result.BatchesRebuilt));
        Assert.All(Sent(scenario.Target), batch => Assert.Equal(BatchCodec.None, batch.Codec));
        scenario.AssertEqual("orders", committedOnly: true);
    }

    [Theory]
    [InlineData(DeliveryMode.Idempotent)]
    [InlineData(DeliveryMode.Transactional)]
    public async Task L5_a_stopped_restore_of_kept_batches_goes_on_where_it_was(DeliveryMode delivery)
    {
        await using var scenario = await FilledAsync(BatchCodec.Snappy, batches: 60, records: 40);
        var settings = RestoreScenario.Asked() with { Delivery = delivery, CheckpointPath = scenario.CheckpointPath };

        var stopped = await FaultTests.StopAtAsync(scenario, settings, 300);
        var resumed = await scenario.RestoredAsync(settings);

        Assert.Equal(2400, resumed.RecordsSkippedOnResume + resumed.RecordCount);
        Assert.InRange(stopped.BatchesKept, 1, 59);
        scenario.AssertEqual("orders", committedOnly: true);
    }

    [Fact]
    public async Task L5_a_codec_that_the_user_names_is_what_all_batches_get()
    {
        await using var scenario = await FilledAsync(BatchCodec.None, batches: 3, records: 40);

        var result = await scenario.RestoredAsync(
            RestoreScenario.Asked() with
            {
                Target = new ClusterSettings
                {
                    BootstrapServers = [scenario.Target.BootstrapServers],
                    KafkaOptions = new Dictionary<string, Secret> { ["compression.type"] = new Secret("gzip") },
                },
            }
        );

        Assert.Equal((0L, 3L), (result.BatchesKept, result.BatchesRebuilt));
        Assert.All(Sent(scenario.Target), batch => Assert.Equal(BatchCodec.Gzip, batch.Codec));
        scenario.AssertEqual("orders");
    }

    private static async Task<RestoreScenario> FilledAsync(BatchCodec codec, int batches, int records)
    {
        var scenario = new RestoreScenario();
        scenario.Source.Cluster.CreateTopic("orders");
        var next = 0;
        Append(scenario, codec, batches, records, ref next);
        await scenario.Source.BackUpAsync();
        return scenario;
    }

    private static void Append(RestoreScenario scenario, BatchCodec codec, int batches, int records, ref int next)
    {
        for (var i = 0; i < batches; i++, next += records)
        {
            scenario.Source.Cluster.AppendRaw("orders", 0, Build(codec, Enumerable.Range(0, records), next));
        }
    }

    /// <summary>Records of 500 bytes that do not compress.</summary>
    private static byte[] Build(BatchCodec codec, IEnumerable<int> offsets, int number)
    {
        using var builder = new BatchBuilder();
        builder.Begin(codec);
        var random = new Random(number + 1);
        var value = new byte[500];
        foreach (var offset in offsets)
        {
            random.NextBytes(value);
            var fields = new RecordFields { Key = BitConverter.GetBytes(number + offset), Value = value };
            builder.Append(offset, Time + number + offset, fields);
        }

        return builder.Build().ToArray();
    }

    private static IReadOnlyList<RecordBatch> Sent(LocalCluster cluster) =>
        [.. cluster.ReadRaw("orders").Select(bytes => RecordBatch.Open(bytes)).Where(batch => !batch.IsControl)];

    private static IEnumerable<string> RecordsParts(LocalCluster cluster) =>
        Sent(cluster).Select(batch => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(batch.Records.Span)));
}
