namespace KafkaBackup.Demo.Show;

/// <summary>A backup while the producer produces, and a second run that takes only what is new.</summary>
internal static class BackupActs
{
    public static async Task WhileProducing(Stage stage, CancellationToken cancel)
    {
        stage.Screen.Act("A backup, while the producer goes on");
        var before = stage.Producer.Ledger.Committed;
        var result = await Run(stage, cancel);
        var during = stage.Producer.Ledger.Committed - before;
        await stage.Producer.WaitForMore(1000, cancel);
        Show(stage, result);
        stage.Screen.Say($"The producer committed {during:N0} records meanwhile, and goes on.");
        stage.Screen.Say(
            "Every partition is complete up to the end that was captured when the run began; what came later is for the next run."
        );

        var after = stage.Producer.Ledger.Committed - before - during;
        stage.Proofs.Add(
            "producers need not stop for a backup",
            during > 0 && after > 0,
            $"{during:N0} records committed while it ran, {after:N0} right after"
        );
        Judge(stage, "the backup holds all committed records up to its ends, and no other", result.RecordCount);
    }

    public static async Task OnlyWhatIsNew(Stage stage, CancellationToken cancel)
    {
        stage.Screen.Act("The same backup id again: a run takes what is new");
        var old = stage.BackedUpTo;
        var stored = Enumerable.Range(0, Stage.Partitions).Sum(p => stage.Expected(p).Count);
        var result = await Run(stage, cancel);
        Show(stage, result);
        var continued = result.Topics.SelectMany(t => t.Partitions).All(p => p.StoredFrom == old[p.Partition]);
        stage.Proofs.Add(
            "a second run continues where the first ended",
            continued,
            "each partition's range begins at the offset where the last one ended"
        );
        Judge(stage, "both runs together have no hole and no duplicate", stored + result.RecordCount);
    }

    private static async Task<BackupResult> Run(Stage stage, CancellationToken cancel)
    {
        var settings = new BackupSettings
        {
            Source = stage.Cluster,
            Store = stage.Store,
            BackupId = Stage.BackupId,
            Topics = [Stage.Topic],
        };
        await using var planned = await stage.Engine.PlanBackupAsync(settings, cancel);
        var result = await planned.RunAsync(cancel);
        stage.BackedUpTo = result.Topics.SelectMany(t => t.Partitions).ToDictionary(p => p.Partition, p => p.CapturedEnd);
        return result;
    }

    private static void Show(Stage stage, BackupResult result)
    {
        stage.Screen.Table(
            ["partition", "from", "to", "offsets", "records", "status"],
            result
                .Topics.SelectMany(t => t.Partitions)
                .OrderBy(p => p.Partition)
                .Select(p =>
                    new object?[]
                    {
                        $"{p.Topic}/{p.Partition}",
                        p.StoredFrom,
                        p.StoredTo,
                        p.StoredTo - p.StoredFrom,
                        p.RecordCount,
                        p.Status,
                    }
                )
        );
        stage.Screen.Say(
            $"{result.Status}: {result.RecordCount:N0} records in {result.Duration.TotalSeconds:0.00} s; {result.Bytes:N0} bytes became {result.StoredBytes:N0}."
        );
    }

    private static void Judge(Stage stage, string claim, long stored)
    {
        var committed = Enumerable.Range(0, Stage.Partitions).Sum(p => stage.Expected(p).Count);
        stage.Proofs.Add(claim, stored == committed, $"{stored:N0} stored, {committed:N0} committed by the producer below these ends");
    }
}
