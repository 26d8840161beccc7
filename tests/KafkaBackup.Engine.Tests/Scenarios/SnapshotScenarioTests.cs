using System.Text;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using KafkaBackup.Testing;

namespace KafkaBackup.Engine.Tests.Scenarios;

/// <summary>
/// What snapshots of disks do to a topic, and what is there to prove: a producer goes on, a mirror gets what the topic gets, the partitions
/// of a snapshot end at different times. The restored topic has the biggest common tail with the mirror, and the skew of its heads is told.
/// With a consistent cut the heads line up.
/// </summary>
[Trait("Run", "Long")]
public sealed class SnapshotScenarioTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>, IAsyncLifetime, IDisposable
{
    private const int Partitions = 3;

    /// <summary>Rounds a second apart, so that one more or less would show.</summary>
    private const int RoundMs = 1000;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _limit = new(Limit);
    private readonly List<string> _topics = [];
    private readonly long _begin = DateTimeOffset.UtcNow.AddHours(-10).ToUnixTimeMilliseconds();
    private int _rounds;

    private ClusterSettings At => new() { BootstrapServers = [cluster.BootstrapServers] };

    private StoreSettings Store => new() { Path = _folder.File("store") };

    [Fact]
    public async Task B9_G3_a_snapshot_with_uneven_heads_has_its_common_tail_with_the_mirror_and_a_consistent_cut_has_even_heads()
    {
        var (blogs, mirror) = (await NewTopicAsync("blogs"), await NewTopicAsync("mirror"));
        using var producer = new ProducerBuilder<Null, byte[]>(
            new ProducerConfig
            {
                BootstrapServers = cluster.BootstrapServers,
                LingerMs = 1,
                SocketNagleDisable = true,
            }
        ).Build();
        using var ending = new CancellationTokenSource();
        var producing = Task.Run(() => ProduceAsync(producer, [blogs, mirror], ending.Token));
        await WaitForRoundsAsync(120);

        // The snapshot: the topic's backup, of which each partition comes back up to another time, as its volume was caught.
        await BackUpAsync(blogs, "snapshot", null);
        int[] caught = [100, 90, 110];
        var uneven = await NewTopicAsync("uneven");
        await RestoreAsync(
            caught.Select(
                (rounds, partition) =>
                    To(blogs, "snapshot", uneven) with
                    {
                        SourcePartitions = [partition],
                        TimeWindowEnd = TimeOf(rounds - 1),
                    }
            )
        );

        var rows = await CompareAsync(mirror, uneven);
        Assert.All(rows, r => Assert.Equal(ComparisonVerdict.Equal, r.Verdict));
        Assert.Equal(caught.Select(c => (long?)c), rows.Where(r => r.Partition is not null).Select(r => (long?)r.ComparedCount));
        Assert.Equal(90, rows[^1].CommonTail);
        Assert.Equal(TimeSpan.FromSeconds(20), rows[^1].DifferenceHeadSkew);

        // All partitions cut at one instant, in the middle of a round's second, while the producer goes on.
        var seen = _rounds;
        await WaitForRoundsAsync(seen + 20);
        await BackUpAsync(blogs, "consistent", new TimePoint(TimeOf(seen) + (RoundMs / 2)));
        var even = ClusterFixture.NewName("even");
        _topics.Add(even);
        await RestoreAsync([To(blogs, "consistent", even)]);

        rows = await CompareAsync(mirror, even);
        Assert.All(
            rows,
            r =>
                Assert.Equal(
                    (ComparisonVerdict.Equal, seen + 1, TimeOf(seen)),
                    (r.Verdict, r.Partition is null ? r.CommonTail : r.ComparedCount, r.DifferenceHeadTimeMs)
                )
        );
        Assert.Equal(TimeSpan.Zero, rows[^1].DifferenceHeadSkew);
        Assert.False(producing.IsCompleted);
        await ending.CancelAsync();
        await producing;
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = cluster.BootstrapServers }).Build();
        await admin.DeleteTopicsAsync(_topics);
    }

    public void Dispose()
    {
        _limit.Dispose();
        _folder.Dispose();
    }

    private long TimeOf(int round) => _begin + ((long)round * RoundMs);

    private async Task<string> NewTopicAsync(string word)
    {
        var topic = ClusterFixture.NewName(word);
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = cluster.BootstrapServers }).Build();
        await admin.CreateTopicsAsync([
            new TopicSpecification
            {
                Name = topic,
                NumPartitions = Partitions,
                ReplicationFactor = 1,
            },
        ]);
        _topics.Add(topic);
        return topic;
    }

    /// <summary>
    /// Each round writes one record, of one time, to every partition of every topic; a round is only counted once all of it is there.
    /// </summary>
    private async Task ProduceAsync(IProducer<Null, byte[]> producer, string[] topics, CancellationToken cancel)
    {
        for (var round = 0; !cancel.IsCancellationRequested; round++)
        {
            await Task.WhenAll(
                from topic in topics
                from partition in Enumerable.Range(0, Partitions)
                select producer.ProduceAsync(
                    new Confluent.Kafka.TopicPartition(topic, partition),
                    new Message<Null, byte[]>
                    {
                        Value = Encoding.UTF8.GetBytes($"blog {round} of {partition}"),
                        Timestamp = new Timestamp(TimeOf(round), TimestampType.CreateTime),
                    },
                    CancellationToken.None
                )
            );
            Volatile.Write(ref _rounds, round);
        }
    }

    private async Task WaitForRoundsAsync(int rounds)
    {
        while (Volatile.Read(ref _rounds) < rounds)
        {
            await Task.Delay(20, _limit.Token);
        }
    }

    private async Task BackUpAsync(string topic, string id, TimePoint? consistentAt)
    {
        var settings = new BackupSettings
        {
            Source = At,
            Store = Store,
            BackupId = id,
            Topics = [topic],
            ConsistentAt = consistentAt,
        };
        await using var planned = await NewEngine().PlanBackupAsync(settings, _limit.Token);
        Assert.Equal(BackupStatus.Complete, (await planned.RunAsync(_limit.Token)).Status);
    }

    private RestoreSettings To(string topic, string id, string target) =>
        new()
        {
            Target = At,
            Store = Store,
            BackupId = id,
            Topics = [topic],
            TopicMapping = new Dictionary<string, string> { [topic] = target },
            CheckpointPath = _folder.File($"{Guid.NewGuid():n}.json"),
            CreateTopics = true,
        };

    private async Task RestoreAsync(IEnumerable<RestoreSettings> settings)
    {
        await using var planned = await NewEngine().PlanRestoreAsync(settings.ToArray(), _limit.Token);
        Assert.All(await planned.RunAsync(_limit.Token), r => Assert.Equal(RestoreStatus.Complete, r.Status));
    }

    private async Task<List<TopicComparison>> CompareAsync(string mirror, string restored)
    {
        var side = new CompareSide { Cluster = At };
        var rows = new List<TopicComparison>();
        await foreach (
            var row in NewEngine()
                .CompareAsync(
                    new CompareSettings
                    {
                        Reference = side,
                        Difference = side,
                        Topics = [mirror],
                        DifferenceTopics = [restored],
                        CommonTail = true,
                    },
                    _limit.Token
                )
        )
        {
            rows.Add(row);
        }

        return rows;
    }

    private KafkaEngine NewEngine() => new(SilentEvents.Instance, _folder.Path);
}
