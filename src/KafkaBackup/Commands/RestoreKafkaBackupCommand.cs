using System.Management.Automation;
using KafkaBackup.Pipeline;

namespace KafkaBackup.Commands;

[Cmdlet(VerbsData.Restore, "KafkaBackup", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(RestoreResult), typeof(RestoreReport))]
public sealed class RestoreKafkaBackupCommand : RestorePlanCmdlet
{
    private protected override void Handle(IReadOnlyList<RestoreSettings> settings)
    {
        var target = Cluster?.Address;
        Pump(async run =>
        {
            await using var planned = await run.Engine.PlanRestoreAsync(settings, run.Stop).ConfigureAwait(false);
            if (planned.Plan.Any(report => report.DryRun))
            {
                foreach (var report in planned.Plan)
                    run.Output(report);
                return;
            }

            PlanText.RefuseInvalid(planned.Plan);
            run.Findings(planned.Plan.SelectMany(report => report.Findings));
            if (!await run.ShouldProcessAsync(PlanText.Of(planned.Plan, target)).ConfigureAwait(false))
                return;
            foreach (var result in await planned.RunAsync(run.Stop).ConfigureAwait(false))
                run.Output(result);
        });
    }
}
