using System.Management.Automation;
using KafkaBackup.Binding;
using KafkaBackup.Pipeline;

namespace KafkaBackup.Commands;

[Cmdlet(VerbsCommon.Get, "KafkaBackup")]
[OutputType(typeof(BackupInfo))]
public sealed class GetKafkaBackupCommand : StoreCmdlet
{
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(BackupIdCompleter))]
    public string? BackupId { get; set; }

    [Parameter]
    [ArgumentCompleter(typeof(TopicCompleter))]
    [TextListForm]
    public string[]? Topic { get; set; }

    private protected override void Process()
    {
        RequiredParameters.Check((nameof(Path), Path));
        var store = Store!;
        Pump(run => run.OutputAll(run.Engine.GetBackupsAsync(store, BackupId, Topic, run.Stop)));
    }
}
