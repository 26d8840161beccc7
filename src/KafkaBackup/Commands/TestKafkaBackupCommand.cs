using System.Management.Automation;
using KafkaBackup.Binding;
using KafkaBackup.Pipeline;

namespace KafkaBackup.Commands;

[Cmdlet(VerbsDiagnostic.Test, "KafkaBackup")]
[OutputType(typeof(BackupReport), typeof(bool))]
public sealed class TestKafkaBackupCommand : StoreCmdlet
{
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(BackupIdCompleter))]
    public string? BackupId { get; set; }

    [Parameter]
    public SwitchParameter Deep { get; set; }

    [Parameter]
    [SampleForm]
    public Sample? Sample { get; set; }

    [Parameter]
    public SwitchParameter Quiet { get; set; }

    private protected override void Process()
    {
        RequiredParameters.Check((nameof(Path), Path), (nameof(BackupId), BackupId));
        var settings = new CheckSettings
        {
            Store = Store,
            BackupId = BackupId,
            Deep = Deep,
            Sample = Sample,
        };
        Pump(async run =>
        {
            var report = await run.Engine.CheckBackupAsync(settings, run.Stop).ConfigureAwait(false);
            run.Output(Quiet ? report.Status != ReportStatus.Invalid : report);
        });
    }
}
