using System.Management.Automation;
using KafkaBackup.Binding;
using KafkaBackup.Pipeline;

namespace KafkaBackup.Commands;

[Cmdlet(VerbsData.Restore, "KafkaConsumerOffset", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(ConsumerOffsetRestoreResult))]
public sealed class RestoreKafkaConsumerOffsetCommand : ClusterCmdlet
{
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    public string? OffsetBackupPath { get; set; }

    [Parameter]
    public SwitchParameter Force { get; set; }

    private protected override void Process()
    {
        RequiredParameters.Check((nameof(OffsetBackupPath), OffsetBackupPath), (nameof(BootstrapServer), Cluster?.Address));
        var settings = new ConsumerOffsetRestoreSettings
        {
            Target = Cluster,
            OffsetBackupPath = SessionPath.File(SessionState, OffsetBackupPath),
            Force = Force,
        };
        Pump(async run =>
        {
            await using var planned = await run.Engine.PlanOffsetRestoreAsync(settings, run.Stop).ConfigureAwait(false);
            run.Findings(planned.Plan.Findings);
            if (!await run.ShouldProcessAsync(PlanText.Of(planned.Plan, settings.Target!.Address)).ConfigureAwait(false))
                return;
            foreach (var result in await planned.RunAsync(run.Stop).ConfigureAwait(false))
                run.Output(result);
        });
    }
}
