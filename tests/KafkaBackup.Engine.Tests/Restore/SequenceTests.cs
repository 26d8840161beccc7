using System.Text.Json.Nodes;
using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Records;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>One sequence a target partition, whichever process sends: the broker itself refuses what is there already.</summary>
public sealed class SequenceTests
{
    private const int Records = 3000;

    /// <summary>A resume that waited for it would not end within any test's time.</summary>
    private static readonly TimeSpan NoTime = TimeSpan.FromHours(1);

    public static TheoryData<bool, bool> Brokers =>
        new()
        {
            { true, true },
            { true, false },
            { false, true },
            { false, false },
        };

    [Theory]
    [MemberData(nameof(Brokers))]
    public async Task L6_a_resume_goes_on_with_the_same_sequence_and_waits_for_nothing(bool isOld, bool kept)
    {
        await using var scenario = await FilledAsync(isOld);
        var settings = Settings(scenario, kept) with { ResumeQuiet = NoTime };
        await FaultTests.StopAtAsync(scenario, settings, 1000);

        await scenario.RestoredAsync(settings);

        scenario.AssertEqual("orders");
        AssertOneSequence(scenario, epochs: 1);
        Assert.Single(scenario.Target.Requests.Of(ApiKey.InitProducerId));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task L6_where_the_producer_is_forgotten_a_resume_waits_and_raises_the_epoch(bool isOld)
    {
        await using var scenario = await FilledAsync(isOld);
        var settings = Settings(scenario, kept: true);
        var stopped = await FaultTests.StopAtAsync(scenario, settings, 1000);
        scenario.Target.ForgetProducers("orders");

        await scenario.RestoredAsync(settings);

        scenario.AssertEqual("orders");
        Assert.Contains(scenario.Events.VerboseLines, m => m.Contains("have been still", StringComparison.Ordinal));
        AssertOneSequence(scenario, epochs: 2);
        Assert.Equal((1, 0), (scenario.Target.Sequences("orders")[^1].Epoch, FirstOf(scenario, epoch: 1)));
        Assert.True(stopped.RecordCount >= 1000);
    }

    [Fact]
    public async Task L6_old_records_may_be_forgotten_at_any_time_so_a_resume_waits()
    {
        await using var scenario = await FilledAsync(isOld: false, newest: DateTimeOffset.UtcNow.AddDays(-2));
        var settings = Settings(scenario, kept: true);
        await FaultTests.StopAtAsync(scenario, settings, 1000);

        await scenario.RestoredAsync(settings);

        scenario.AssertEqual("orders");
        Assert.Contains(scenario.Events.VerboseLines, m => m.Contains("have been still", StringComparison.Ordinal));
    }

    [Fact]
    public async Task L6_a_producer_that_is_forgotten_in_the_middle_of_a_run_ends_nothing()
    {
        await using var scenario = await FilledAsync(isOld: true);
        var settings = Settings(scenario, kept: false) with { RecordsPerSecond = 1000 };
        var running = scenario.RestoreAsync(settings);
        await FaultTests.ReachedAsync(scenario, 1000);
        scenario.Target.ForgetProducers("orders");

        var result = await running;

        Assert.True(result.Status == RestoreStatus.Complete, string.Join('\n', scenario.Events.Errors.Select(e => e.Message)));
        scenario.AssertEqual("orders");
        AssertOneSequence(scenario, epochs: 2);
    }

    [Fact]
    public async Task L6_a_checkpoint_of_version_1_is_resumed_with_a_sequence_of_its_own()
    {
        await using var scenario = await FilledAsync(isOld: false);
        var settings = Settings(scenario, kept: true);
        await FaultTests.StopAtAsync(scenario, settings, 1000);
        var checkpoint = JsonNode.Parse(await File.ReadAllTextAsync(scenario.CheckpointPath))!;
        checkpoint["version"] = 1;
        Assert.True(checkpoint["targets"]![0]!.AsObject().Remove("sequence"));
        await File.WriteAllTextAsync(scenario.CheckpointPath, checkpoint.ToJsonString());

        await scenario.RestoredAsync(settings);

        scenario.AssertEqual("orders");
        Assert.Equal(2, scenario.Target.Sequences("orders").Select(s => s.ProducerId).Distinct().Count());
    }

    /// <summary>In the same process, so that nothing but the broker's check of the sequence holds the sleeper back.</summary>
    [Theory]
    [Trait("Run", "Long")]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task L6_a_process_that_wakes_beside_its_successor_adds_nothing(bool isOld, bool whileItWorks)
    {
        var random = new Random(whileItWorks ? 1 : 2);
        for (var round = 0; round < 10; round++)
        {
            await using var scenario = await FilledAsync(isOld);
            var settings = Settings(scenario, kept: round % 2 == 0) with { ResumeQuiet = NoTime };
            var nap = new Nap(round % 2 == 0 ? random.Next(3, 25) : random.Next(200, 2500));
            scenario.WrapCluster = inner => new ClusterDouble(inner) { Writer = writer => new Sleeper(writer, nap) };
            var sleeper = scenario.RestoreAsync(settings);
            await nap.Asleep;
            var copy = scenario.CheckpointPath + ".copy";
            File.Copy(scenario.CheckpointPath, copy);
            scenario.WrapCluster = inner => inner;
            var successor = scenario.RestoreAsync(settings with { CheckpointPath = copy, RecordsPerSecond = whileItWorks ? 6000 : null });
            if (whileItWorks)
            {
                await Task.WhenAny(successor, FaultTests.ReachedAsync(scenario, random.Next(1, Records)));
            }
            else
            {
                await successor;
            }

            nap.Wake();
            var (woken, overtaken) = (await sleeper, await successor);

            scenario.AssertEqual("orders");
            Assert.Contains(RestoreStatus.Complete, (RestoreStatus[])[woken.Status, overtaken.Status]);
        }
    }

    [Fact]
    public async Task E6_a_produce_quota_is_waited_for_and_reported_once()
    {
        await using var scenario = await FilledAsync(isOld: false);
        scenario.Target.ProduceThrottle = TimeSpan.FromMilliseconds(400);

        await scenario.RestoredAsync(Settings(scenario, kept: true));

        Assert.Single(
            scenario.Events.Warnings,
            w => w.Contains("quota on this user limits the speed of the restore", StringComparison.Ordinal)
        );
        scenario.AssertEqual("orders");
    }

    [Fact]
    public async Task E6_a_request_that_is_never_answered_is_given_up_and_sent_again()
    {
        await using var scenario = await FilledAsync(isOld: false);
        var frozen = scenario.Target.Faults.On(ApiKey.Produce).Topic("orders").Skip(1).Freeze();
        var running = scenario.RestoreAsync(
            Settings(scenario, kept: true) with
            {
                Target = new ClusterSettings
                {
                    BootstrapServers = [scenario.Target.BootstrapServers],
                    KafkaOptions = new Dictionary<string, Secret>
                    {
                        ["request.timeout.ms"] = new Secret("300"),
                        ["socket.timeout.ms"] = new Secret("300"),
                    },
                },
            }
        );
        await frozen.WaitForHits(2);
        frozen.Remove();

        var result = await running;

        Assert.Equal(RestoreStatus.Complete, result.Status);
        Assert.Contains(scenario.Events.VerboseLines, m => m.Contains("did not answer a Produce request within", StringComparison.Ordinal));
        scenario.AssertEqual("orders");
        frozen.Thaw();
    }

    private static RestoreSettings Settings(RestoreScenario scenario, bool kept) =>
        RestoreScenario.Asked() with
        {
            CheckpointPath = scenario.CheckpointPath,
            ProduceBatchSize = kept ? null : 37,
        };

    private static async Task<RestoreScenario> FilledAsync(bool isOld, DateTimeOffset? newest = null)
    {
        var scenario = new RestoreScenario(targetOptions: isOld ? LocalClusterOptions.Kafka24 : null);
        scenario.Source.Cluster.CreateTopic("orders");
        var first = (newest ?? DateTimeOffset.UtcNow).ToUnixTimeMilliseconds() - Records;
        for (var next = 0; next < Records; next += 100)
        {
            scenario.Source.Cluster.Append(
                "orders",
                0,
                Enumerable.Range(next, 100).Select(i => LocalRecord.Of($"k{i}", $"v{i} {new string('x', 200)}", first + i))
            );
        }

        await scenario.Source.BackUpAsync(BackupScenario.Asked() with { SegmentMaxRecords = 700 });
        return scenario;
    }

    private static void AssertOneSequence(RestoreScenario scenario, int epochs)
    {
        var sequences = scenario.Target.Sequences("orders");
        Assert.Single(sequences.Select(s => s.ProducerId).Distinct());
        Assert.Equal(epochs, sequences.Select(s => s.Epoch).Distinct().Count());
    }

    private static int FirstOf(RestoreScenario scenario, short epoch) =>
        scenario.Target.Sequences("orders").First(s => s.Epoch == epoch).Sequence;

    /// <summary>A process that is suspended before it sends its so-manieth piece.</summary>
    private sealed class Nap(int before)
    {
        private readonly TaskCompletionSource _asleep = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _awake = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _sent;

        public Task Asleep => _asleep.Task;

        public void Wake() => _awake.SetResult();

        public void Pass()
        {
            if (Interlocked.Increment(ref _sent) == before)
            {
                _asleep.SetResult();
                _awake.Task.GetAwaiter().GetResult();
            }
        }
    }

    private sealed class Sleeper(IRecordWriter inner, Nap nap) : IRecordWriter
    {
        public int Pending => inner.Pending;

        public void Open(TopicPartition partition, int slot, PartitionSequence? sequence = null) => inner.Open(partition, slot, sequence);

        public void Close(int slot) => inner.Close(slot);

        public SendOutcome Send(int slot, in RecordView record, ReadOnlySpan<HeaderSlice> extraHeaders, long tag)
        {
            nap.Pass();
            return inner.Send(slot, record, extraHeaders, tag);
        }

        public void Compress(int slot, BatchCodec codec) => inner.Compress(slot, codec);

        public bool Keeps(in RecordBatch batch) => inner.Keeps(batch);

        public SendOutcome SendBatch(int slot, in RecordBatch batch, long tag)
        {
            nap.Pass();
            return inner.SendBatch(slot, batch, tag);
        }

        public int Poll(IDeliverySink sink, TimeSpan wait) => inner.Poll(sink, wait);

        public void Flush() => inner.Flush();

        public void Purge() => inner.Purge();

        public Task InitTransactionsAsync(CancellationToken cancel) => inner.InitTransactionsAsync(cancel);

        public void BeginTransaction() => inner.BeginTransaction();

        public Task SendOffsetsAsync(string group, IReadOnlyCollection<GroupOffset> offsets, CancellationToken cancel) =>
            inner.SendOffsetsAsync(group, offsets, cancel);

        public Task CommitTransactionAsync(CancellationToken cancel) => inner.CommitTransactionAsync(cancel);

        public Task AbortTransactionAsync(CancellationToken cancel) => inner.AbortTransactionAsync(cancel);

        public void Dispose() => inner.Dispose();
    }
}
