using KafkaBackup.Engine.Restore;
using KafkaBackup.LocalBroker;
using KafkaBackup.Testing;
using Xunit;
using static KafkaBackup.Engine.Tests.Cluster.ClusterTesting;

namespace KafkaBackup.Engine.Tests.Offsets;

/// <summary>Restore-KafkaConsumerOffset: undoing a reset.</summary>
public sealed class OffsetRestoreTests : IAsyncLifetime, IAsyncDisposable
{
    private readonly LocalCluster _cluster = LocalCluster.Start();
    private readonly TemporaryFolder _folder = new();

    public OffsetRestoreTests()
    {
        _cluster.CreateTopic("orders", 2);

        // As a reset left them.
        _cluster.CommitOffset("billing", "orders", 0, 100, "");
        _cluster.CommitOffset("billing", "orders", 1, 200, "");
    }

    [Fact]
    public async Task F4_saved_offsets_come_back_with_metadata_and_what_was_not_there_is_removed_again()
    {
        await using var planned = await PlanAsync(Saved());

        Assert.Equal(
            [(0, (long?)100, (long?)7), (1, 200, null)],
            planned.Plan.Changes.Select(c => (c.Partition, c.OldOffset, c.NewOffset))
        );
        Assert.Empty(planned.Plan.Findings);
        Assert.Equal(100, _cluster.GroupOffsets("billing")[new("orders", 0)].Offset);

        var results = await planned.RunAsync(Limit());

        Assert.Equal(2, results.Count);
        var now = Assert.Single(_cluster.GroupOffsets("billing"));
        Assert.Equal((0, 7L, "kept note"), (now.Key.Partition, now.Value.Offset, now.Value.Metadata));
        await using var again = await PlanAsync(Saved());
        Assert.Empty(again.Plan.Changes);
    }

    [Fact]
    public async Task F4_a_group_with_consumers_is_refused_and_force_does_not_help()
    {
        using var consumer = Subscribe("billing");
        while (_cluster.GroupState("billing") != "Stable")
        {
            consumer.Consume(TimeSpan.FromMilliseconds(50));
        }

        await using var planned = await PlanAsync(Saved(), force: true);

        Assert.Contains("active", Assert.Single(planned.Plan.Findings).Message, StringComparison.Ordinal);
        Assert.Equal(ErrorIds.GroupActive.Id, (await Assert.ThrowsAsync<KafkaBackupException>(() => planned.RunAsync(Limit()))).ErrorId);
        Assert.Equal(100, _cluster.GroupOffsets("billing")[new("orders", 0)].Offset);
    }

    [Fact]
    public async Task H5_offsets_that_moved_since_the_reset_need_force()
    {
        _cluster.CommitOffset("billing", "orders", 0, 150);

        await using (var planned = await PlanAsync(Saved()))
        {
            Assert.True(Assert.Single(planned.Plan.Findings).CanForce);
            await Assert.ThrowsAsync<KafkaBackupException>(() => planned.RunAsync(Limit()));
            Assert.Equal(150, _cluster.GroupOffsets("billing")[new("orders", 0)].Offset);
        }

        await using var forced = await PlanAsync(Saved(), force: true);
        await forced.RunAsync(Limit());
        Assert.Equal(7, _cluster.GroupOffsets("billing")[new("orders", 0)].Offset);
    }

    [Fact]
    public async Task F4_another_cluster_and_other_files_are_refused()
    {
        Assert.Equal(
            ErrorIds.OffsetFileInvalid.Id,
            (await Assert.ThrowsAsync<KafkaBackupException>(() => PlanAsync(Saved() with { TargetClusterId = "somewhere-else" }))).ErrorId
        );
        await File.WriteAllTextAsync(_folder.File("other.json"), "{}");
        Assert.Equal(
            ErrorIds.OffsetFileInvalid.Id,
            (await Assert.ThrowsAsync<KafkaBackupException>(() => PlanAsync("other.json", false))).ErrorId
        );
        Assert.Equal(
            ErrorIds.OffsetFileInvalid.Id,
            (await Assert.ThrowsAsync<KafkaBackupException>(() => PlanAsync("none.json", false))).ErrorId
        );
    }

    [Fact]
    public async Task F4_saved_offsets_that_cannot_be_meant_are_refused()
    {
        var good = Saved().Offsets[0];
        SavedOffset[][] damaged =
        [
            [good, good],
            [good with { OldOffset = -1 }],
            [good with { Topic = "a/b" }],
            [good with { Partition = -1 }],
            [null!],
        ];
        foreach (var offsets in damaged)
        {
            var refused = await Assert.ThrowsAsync<KafkaBackupException>(() => PlanAsync(Saved() with { Offsets = offsets }));
            Assert.Equal(ErrorIds.OffsetFileInvalid, refused.Definition);
            Assert.Contains("is damaged", refused.Message, StringComparison.Ordinal);
        }
    }

    Task IAsyncLifetime.InitializeAsync() => Task.CompletedTask;

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        _folder.Dispose();
    }

    private Confluent.Kafka.IConsumer<byte[], byte[]> Subscribe(string group)
    {
        var consumer = new Confluent.Kafka.ConsumerBuilder<byte[], byte[]>(
            new Confluent.Kafka.ConsumerConfig
            {
                BootstrapServers = _cluster.BootstrapServers,
                GroupId = group,
                EnableAutoCommit = false,
            }
        ).Build();
        consumer.Subscribe("orders");
        return consumer;
    }

    private Task<PlannedOperation<ConsumerOffsetPlan, IReadOnlyList<ConsumerOffsetRestoreResult>>> PlanAsync(
        SavedOffsets saved,
        bool force = false
    )
    {
        var path = _folder.File($"{Guid.NewGuid():n}.json");
        saved.Write(path);
        return PlanAsync(path, force);
    }

    private Task<PlannedOperation<ConsumerOffsetPlan, IReadOnlyList<ConsumerOffsetRestoreResult>>> PlanAsync(string path, bool force) =>
        new KafkaEngine(SilentEvents.Instance, _folder.Path).PlanOffsetRestoreAsync(
            new ConsumerOffsetRestoreSettings
            {
                Target = Settings(_cluster.BootstrapServers),
                OffsetBackupPath = path,
                Force = force,
            },
            Limit()
        );

    private static SavedOffsets Saved() =>
        new()
        {
            Version = SavedOffsets.CurrentVersion,
            BackupId = "b",
            TargetClusterId = null,
            SavedAt = DateTimeOffset.UnixEpoch,
            Offsets =
            [
                new SavedOffset("billing", "orders", 0, 7, "kept note", 100),
                new SavedOffset("billing", "orders", 1, null, "", 200),
            ],
        };
}
