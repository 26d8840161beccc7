using System.Management.Automation;
using KafkaBackup.Pipeline;

namespace KafkaBackup.Commands;

[Cmdlet(VerbsDiagnostic.Test, "KafkaRestore")]
[OutputType(typeof(RestoreReport), typeof(bool))]
public sealed class TestKafkaRestoreCommand : RestorePlanCmdlet
{
    [Parameter]
    public SwitchParameter Deep { get; set; }

    [Parameter]
    public SwitchParameter Offline { get; set; }

    [Parameter]
    public SwitchParameter Quiet { get; set; }

    private protected override RestoreSettings Settings() => base.Settings() with { DryRun = true, Deep = Deep, Offline = Offline };

    private protected override void Handle(IReadOnlyList<RestoreSettings> settings) =>
        Pump(async run =>
        {
            await using var planned = await run.Engine.PlanRestoreAsync(settings, run.Stop).ConfigureAwait(false);
            foreach (var report in planned.Plan)
                run.Output(Quiet ? report.Status != ReportStatus.Invalid : report);
        });
}
