using System.Management.Automation;
using KafkaBackup.Binding;
using KafkaBackup.Pipeline;

namespace KafkaBackup.Commands;

[Cmdlet(VerbsCommon.Get, "KafkaTopicRecord")]
[OutputType(typeof(RecordInfo))]
public sealed class GetKafkaTopicRecordCommand : ClusterCmdlet
{
    private const long DefaultLast = 10;

    [Parameter]
    [TextListForm]
    public string[]? Topic { get; set; }

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
    public SwitchParameter AsByteStream { get; set; }

    private protected override void Process()
    {
        RequiredParameters.Check((nameof(BootstrapServer), Cluster?.Address), (nameof(Topic), Topic));
        RequiredParameters.AtMostOne(
            ("-First", First is not null),
            ("-Last", Last is not null),
            ("-Offset", Offset is not null),
            ("-FromTime/-ToTime", (FromTime ?? ToTime) is not null)
        );
        var cluster = Cluster!;
        var chosen = First is not null || Offset is not null || (FromTime ?? ToTime) is not null;
        var query = new RecordQuery
        {
            Topics = Topic,
            Partitions = Partition,
            First = First,
            Last = Last ?? (chosen ? null : DefaultLast),
            Offset = Offset,
            FromTime = TimeFormAttribute.Milliseconds(FromTime),
            ToTime = TimeFormAttribute.Milliseconds(ToTime),
            AsBytes = AsByteStream,
        };
        Pump(run => run.OutputAll(run.Engine.ReadTopicRecordsAsync(cluster, query, run.Stop)));
    }
}
