using System.Management.Automation;
using KafkaBackup.Pipeline;

namespace KafkaBackup.Commands;

/// <summary>Its parameters follow from settings.table.</summary>
[Cmdlet(VerbsLifecycle.Start, "KafkaBackup", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[Alias("Backup-KafkaTopic")]
[OutputType(typeof(BackupResult))]
public sealed partial class StartKafkaBackupCommand : StoreAndClusterCmdlet
{
    private protected override void Process()
    {
        var settings = BoundSettings with { Source = Cluster, Store = Store };
        Pump(async run =>
        {
            await using var planned = await run.Engine.PlanBackupAsync(settings, run.Stop).ConfigureAwait(false);
            run.Findings(planned.Plan.Findings);
            if (await run.ShouldProcessAsync(PlanText.Of(planned.Plan)).ConfigureAwait(false))
                run.Output(await planned.RunAsync(run.Stop).ConfigureAwait(false));
        });
    }
}
