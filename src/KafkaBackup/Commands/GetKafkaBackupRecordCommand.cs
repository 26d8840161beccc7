using System.Management.Automation;
using KafkaBackup.Binding;
using KafkaBackup.Pipeline;

namespace KafkaBackup.Commands;

[Cmdlet(VerbsCommon.Get, "KafkaBackupRecord")]
[OutputType(typeof(RecordInfo))]
public sealed class GetKafkaBackupRecordCommand : StoreCmdlet
{
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(BackupIdCompleter))]
    public string? BackupId { get; set; }

    [Parameter]
    [ArgumentCompleter(typeof(TopicCompleter))]
    [TextListForm]
    public string[]? Topic { get; set; }

    [Parameter]
    [ArgumentCompleter(typeof(TopicCompleter))]
    [TextListForm]
    public string[]? ExcludeTopic { get; set; }

    [Parameter]
    public int[]? Partition { get; set; }

    [Parameter]
    public long? First { get; set; }

    [Parameter]
    public long? Last { get; set; }

    [Parameter]
    public long? Offset { get; set; }

    [Parameter]
    [TimeForm(RoundUp = true)]
    public TimePoint? FromTime { get; set; }

    [Parameter]
    [TimeForm]
    public TimePoint? ToTime { get; set; }

    [Parameter]
    [KeyForm]
    public byte[]? Key { get; set; }

    [Parameter]
    public SwitchParameter AsByteStream { get; set; }

    private protected override void Process()
    {
        RequiredParameters.Check((nameof(Path), Path), (nameof(BackupId), BackupId));
        RequiredParameters.AtMostOne(
            ("-First", First is not null),
            ("-Last", Last is not null),
            ("-Offset", Offset is not null),
            ("-FromTime/-ToTime", (FromTime ?? ToTime) is not null),
            ("-Key", Key is not null)
        );
        var store = Store!;
        var query = new RecordQuery
        {
            Topics = Topic,
            ExcludeTopics = ExcludeTopic,
            Partitions = Partition,
            First = First,
            Last = Last,
            Offset = Offset,
            FromTime = TimeFormAttribute.Milliseconds(FromTime),
            ToTime = TimeFormAttribute.Milliseconds(ToTime),
            Key = Key,
            AsBytes = AsByteStream,
        };
        Pump(run => run.OutputAll(run.Engine.ReadBackupRecordsAsync(store, BackupId!, query, run.Stop)));
    }
}
