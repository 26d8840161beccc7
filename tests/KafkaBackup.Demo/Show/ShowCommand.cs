using System.Diagnostics;

namespace KafkaBackup.Demo.Show;

/// <summary>The demo itself: no arguments, nothing needed, under a minute. Exit code 0 when everything it claims was proven.</summary>
internal static class ShowCommand
{
    private const int NotProven = 1;
    private const int Failed = 3;
    private const int RecordsBefore = 60_000;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    public static async Task<int> RunAsync()
    {
        using var limit = new CancellationTokenSource(Limit);
        var watch = Stopwatch.StartNew();
        await using var stage = new Stage(Console.Out);
        try
        {
            await Play(stage, limit.Token);
        }
        catch (KafkaBackupException error)
        {
            new ConsoleEvents().Error(error);
            return Failed;
        }

        stage.Screen.Act("What was proven");
        stage.Proofs.Show(stage.Screen);
        stage.Screen.Say(
            stage.Proofs.AllHold
                ? $"All of it held, in {watch.Elapsed.TotalSeconds:0} s. The same with a cluster of yours, from PowerShell: README.md."
                : "NOT everything held: see the lines that say NO."
        );
        return stage.Proofs.AllHold ? 0 : NotProven;
    }

    private static async Task Play(Stage stage, CancellationToken cancel)
    {
        stage.Screen.Act("A broker, a topic, a producer that does not stop, a consumer group at work");
        stage.Producer.Fill(RecordsBefore);
        ConsumerActs.ReadSome(stage, fromEach: 3000);
        stage.Producer.Start();
        await stage.Producer.WaitForMore(1000, cancel);
        var ledger = stage.Producer.Ledger;
        stage.Screen.Say($"The broker: a double of Kafka in this process, {stage.Broker.BootstrapServers}.");
        stage.Screen.Say(
            $"{Stage.Topic}, {Stage.Partitions} partitions: {ledger.Committed:N0} records committed, {ledger.Aborted:N0} in transactions that were taken back;"
        );
        stage.Screen.Say("tombstones, empty values, records without a key, headers that come twice.");

        await BackupActs.WhileProducing(stage, cancel);
        await stage.Producer.WaitForMore(2000, cancel);
        await BackupActs.OnlyWhatIsNew(stage, cancel);
        await CheckActs.WholeAndDamaged(stage, cancel);
        await RestoreActs.ToAnotherTopic(stage, cancel);
        await RestoreActs.Compared(stage, cancel);
        ConsumerActs.MovedOver(stage);
        await stage.Producer.StopAsync();
    }
}
