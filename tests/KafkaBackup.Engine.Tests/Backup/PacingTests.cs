using System.Globalization;
using Xunit.Abstractions;

namespace KafkaBackup.Engine.Tests.Backup;

/// <summary>
/// Rate limits over a whole run. KAFKABACKUP_TEST_PACING_SECONDS=30 measures as long as the rule says; otherwise a few seconds.
/// </summary>
[Trait("Run", "Long")]
public sealed class PacingTests(ITestOutputHelper output)
{
    private static readonly int Seconds = int.TryParse(
        Environment.GetEnvironmentVariable("KAFKABACKUP_TEST_PACING_SECONDS"),
        CultureInfo.InvariantCulture,
        out var asked
    )
        ? asked
        : 4;

    [Theory]
    [InlineData(2000L, null)]
    [InlineData(null, 20_000L)]
    public async Task B14_a_run_over_several_partitions_keeps_to_its_rate(long? records, long? bytes)
    {
        await using var scenario = new BackupScenario(limit: TimeSpan.FromSeconds(60 + (Seconds * 2)));
        scenario.Cluster.CreateTopic("orders", 5);

        // k and v with their numbers: about twenty bytes a record in its batch.
        var each = (int)((records ?? (bytes!.Value / 10)) * Seconds * 2 / 5);
        for (var partition = 0; partition < 5; partition++)
        {
            scenario.Fill("orders", each, partition: partition, batch: 50);
        }

        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(Seconds));
        var result = await scenario.BackUpAsync(
            BackupScenario.Asked() with
            {
                RecordsPerSecond = records,
                BytesPerSecond = bytes,
                ConsumerGroupSnapshot = false,
                Compression = CompressionKind.None,
            },
            stop.Token
        );

        var took = result.Duration.TotalSeconds;
        var share = (records is { } r ? (double)result.RecordCount / r : (double)result.StoredBytes / bytes!.Value) / took;
        output.WriteLine(
            $"asked {records} records/s, {bytes} bytes/s; {result.RecordCount} records, {result.StoredBytes} bytes in {took:F2} s: {share:P2} of the rate"
        );
        Assert.Equal(BackupStatus.Stopped, result.Status);

        // Locking and the first commit are part of the run, and weigh more in a short one; too fast is never excused.
        Assert.InRange(share, Seconds < 30 ? 0.5 : 0.95, Seconds < 30 ? 1.1 : 1.05);
    }
}
