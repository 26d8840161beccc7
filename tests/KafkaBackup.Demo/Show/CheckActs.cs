namespace KafkaBackup.Demo.Show;

/// <summary>Reads every byte of the backup; then does the same with a copy in which one bit is not what it was.</summary>
internal static class CheckActs
{
    public static async Task WholeAndDamaged(Stage stage, CancellationToken cancel)
    {
        stage.Screen.Act("A check of the backup, and of a copy with one flipped bit");
        var whole = await Check(stage, stage.Store, cancel);
        var copy = stage.StoreAt("damaged");
        var damaged = FlipOneBit(stage.Store.Path!, copy.Path!);
        var broken = await Check(stage, copy, cancel);
        stage.Screen.Table(
            ["store", "status", "segments", "records read", "bytes read", "findings"],
            new[] { ("the backup", whole), ("the copy", broken) }.Select(r =>
                new object?[]
                {
                    r.Item1,
                    r.Item2.Status,
                    r.Item2.SegmentsChecked,
                    r.Item2.RecordsChecked,
                    r.Item2.BytesRead,
                    r.Item2.Findings.Count,
                }
            )
        );
        foreach (var finding in broken.Findings.Take(1))
            stage.Screen.Say($"{finding.Severity}, {finding.Kind}: {finding.Message}");

        var expected = Enumerable.Range(0, Stage.Partitions).Sum(p => stage.Expected(p).Count);
        stage.Proofs.Add(
            "every byte of the backup reads back",
            whole.Status == ReportStatus.Valid && whole.RecordsChecked == expected,
            $"{whole.RecordsChecked:N0} records read and checked, no finding"
        );
        stage.Proofs.Add(
            "a single flipped bit is found and named",
            broken.Status == ReportStatus.Invalid && broken.Findings.Any(f => f.Place.Contains(damaged, StringComparison.Ordinal)),
            $"the copy is {broken.Status}, and the finding names the file"
        );
    }

    private static Task<BackupReport> Check(Stage stage, StoreSettings store, CancellationToken cancel) =>
        stage.Engine.CheckBackupAsync(
            new CheckSettings
            {
                Store = store,
                BackupId = Stage.BackupId,
                Deep = true,
            },
            cancel
        );

    /// <returns>The name of the file that is no longer what it was.</returns>
    private static string FlipOneBit(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        var segment = Directory.EnumerateFiles(to, "*.kbs", SearchOption.AllDirectories).Order(StringComparer.Ordinal).First();
        var bytes = File.ReadAllBytes(segment);
        bytes[bytes.Length / 2] ^= 0x10;
        File.WriteAllBytes(segment, bytes);
        return Path.GetFileName(segment);
    }
}
