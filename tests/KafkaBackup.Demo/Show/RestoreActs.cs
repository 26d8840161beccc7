namespace KafkaBackup.Demo.Show;

/// <summary>
/// The backup goes into another topic and is compared; with the backup by the engine, and with the producer's ledger by the demo itself.
/// </summary>
internal static class RestoreActs
{
    public static async Task ToAnotherTopic(Stage stage, CancellationToken cancel)
    {
        stage.Screen.Act($"A restore into the topic {Stage.RestoredTopic}; the producer still goes on");
        var settings = new RestoreSettings
        {
            Target = stage.Cluster,
            Store = stage.Store,
            BackupId = Stage.BackupId,
            TopicMapping = new Dictionary<string, string> { [Stage.Topic] = Stage.RestoredTopic },
            OffsetStrategy = OffsetStrategy.HeaderBased,
            ResetConsumerOffsets = true,
            ConsumerGroups = [Stage.Group],
        };
        var before = stage.Producer.Ledger.Committed;
        await using var planned = await stage.Engine.PlanRestoreAsync([settings], cancel);
        var plan = planned.Plan.Single();
        stage.Screen.Say($"The plan, before anything is written: {plan.Status}, {plan.RecordCount:N0} records, {plan.Bytes:N0} bytes.");
        foreach (var finding in plan.Findings.Where(f => f.Severity == FindingSeverity.Error))
            stage.Screen.Say($"{finding.Message} {finding.Advice}");

        var result = (await planned.RunAsync(cancel)).Single();
        stage.Screen.Table(
            ["partition", "goes to", "source offsets", "target offsets", "records", "status"],
            result
                .Partitions.OrderBy(p => p.Partition)
                .Select(p =>
                    new object?[]
                    {
                        $"{p.Topic}/{p.Partition}",
                        $"{p.TargetTopic}/{p.TargetPartition}",
                        Range(p.SourceFirstOffset, p.SourceLastOffset),
                        Range(p.TargetFirstOffset, p.TargetLastOffset),
                        p.RecordCount,
                        p.Status,
                    }
                )
        );
        stage.Screen.Say(
            $"{result.Status} in {result.Duration.TotalSeconds:0.00} s. The producer committed {stage.Producer.Ledger.Committed - before:N0} records meanwhile."
        );
        stage.Proofs.Add(
            "the plan was exact, to the record",
            result.Status == RestoreStatus.Complete && result.RecordCount == plan.RecordCount,
            $"{plan.RecordCount:N0} planned, {result.RecordCount:N0} restored"
        );
    }

    public static async Task Compared(Stage stage, CancellationToken cancel)
    {
        stage.Screen.Act("A comparison, record by record");
        var settings = new CompareSettings
        {
            Reference = new CompareSide { Store = stage.Store, BackupId = Stage.BackupId },
            Difference = new CompareSide { Cluster = stage.Cluster },
            Topics = [Stage.Topic],
            DifferenceTopics = [Stage.RestoredTopic],
            IgnoreHeaders = ["x-original-*"],
        };
        var rows = new List<TopicComparison>();
        await foreach (var row in stage.Engine.CompareAsync(settings, cancel))
        {
            if (row.Partition is not null)
                rows.Add(row);
        }

        stage.Screen.Table(
            ["backup", "topic", "records compared", "verdict", "digest", "first difference"],
            rows.OrderBy(r => r.Partition)
                .Select(r =>
                    new object?[]
                    {
                        $"{r.Topic}/{r.Partition}",
                        $"{r.DifferenceTopic}/{r.Partition}",
                        r.ComparedCount,
                        r.Verdict,
                        r.DifferenceDigest?[..12],
                        r.FirstDifference,
                    }
                )
        );
        var expected = Enumerable.Range(0, Stage.Partitions).Sum(p => stage.Expected(p).Count);
        stage.Proofs.Add(
            "backup and restored topic are equal",
            rows.Count == Stage.Partitions && rows.TrueForAll(r => r.Equal) && rows.Sum(r => r.ComparedCount) == expected,
            $"{rows.Sum(r => r.ComparedCount):N0} records compared: key, value, headers, time"
        );
        HoldAgainstLedger(stage);
    }

    /// <summary>
    /// The engine may not be its own judge: the broker's log is read from behind, and held against what the producer wrote down.
    /// </summary>
    private static void HoldAgainstLedger(Stage stage)
    {
        var alike = 0;
        var expected = 0;
        var extra = 0;
        for (var partition = 0; partition < Stage.Partitions; partition++)
        {
            var committed = stage.Expected(partition);
            var restored = stage
                .Broker.Read(Stage.RestoredTopic, partition)
                .Where(r => !r.IsControl && !r.IsAborted)
                .Select(ConsumerActs.ImprintOf)
                .ToList();
            expected += committed.Count;
            extra += Math.Max(0, restored.Count - committed.Count);
            alike += committed.Zip(restored).Count(pair => pair.First.Imprint == pair.Second);
        }

        stage.Screen.Say(
            $"The demo's own judge, the producer's ledger: {alike:N0} of {expected:N0} records are the same, in the same order; {extra:N0} too many."
        );
        stage.Proofs.Add(
            "the restored topic is what was produced: nothing lost, nothing twice, in order",
            alike == expected && extra == 0,
            $"{alike:N0} records match the producer's ledger; aborted ones, tombstones, repeated headers included"
        );
    }

    private static string Range(long? first, long? last) => first is null ? "" : $"{first}..{last}";
}
