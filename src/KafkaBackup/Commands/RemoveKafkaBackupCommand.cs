using System.Management.Automation;
using KafkaBackup.Binding;
using KafkaBackup.Pipeline;

namespace KafkaBackup.Commands;

[Cmdlet(VerbsCommon.Remove, "KafkaBackup", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(RemovalResult))]
public sealed class RemoveKafkaBackupCommand : StoreCmdlet
{
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(BackupIdCompleter))]
    public string? BackupId { get; set; }

    [Parameter]
    [TimeForm]
    public TimePoint? OlderThan { get; set; }

    [Parameter]
    public int? KeepLast { get; set; }

    [Parameter]
    public SwitchParameter Force { get; set; }

    private protected override void Process()
    {
        RequiredParameters.Check((nameof(Path), Path), (nameof(BackupId), BackupId));
        var settings = new RemoveSettings
        {
            Store = Store,
            BackupId = BackupId,
            OlderThan = TimeFormAttribute.Milliseconds(OlderThan),
            KeepLast = KeepLast,
            Force = Force,
        };
        Pump(async run =>
        {
            await using var planned = await run.Engine.PlanRemovalAsync(settings, run.Stop).ConfigureAwait(false);
            var asks = !Force && planned.Plan.Any(plan => plan.WholeBackup);
            if (!await run.ShouldProcessAsync(PlanText.Of(planned.Plan), asks).ConfigureAwait(false))
                return;
            foreach (var result in await planned.RunAsync(run.Stop).ConfigureAwait(false))
                run.Output(result);
        });
    }
}
