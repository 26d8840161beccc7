using System.Management.Automation;
using KafkaBackup.Binding;
using KafkaBackup.Pipeline;

namespace KafkaBackup.Commands;

[Cmdlet(VerbsDiagnostic.Repair, "KafkaBackup", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(RepairResult))]
public sealed class RepairKafkaBackupCommand : StoreCmdlet
{
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(BackupIdCompleter))]
    public string? BackupId { get; set; }

    [Parameter]
    public SwitchParameter Force { get; set; }

    private protected override void Process()
    {
        RequiredParameters.Check((nameof(Path), Path), (nameof(BackupId), BackupId));
        var settings = new RepairSettings
        {
            Store = Store,
            BackupId = BackupId,
            Force = Force,
        };
        Pump(async run =>
        {
            await using var planned = await run.Engine.PlanRepairAsync(settings, run.Stop).ConfigureAwait(false);
            run.Findings(planned.Plan.Findings);
            if (planned.Plan.Actions.Count == 0)
                run.Output(planned.Plan);
            else if (await run.ShouldProcessAsync(PlanText.Of(planned.Plan)).ConfigureAwait(false))
                run.Output(await planned.RunAsync(run.Stop).ConfigureAwait(false));
        });
    }
}
