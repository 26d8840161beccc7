using System.Collections;
using System.Management.Automation;
using KafkaBackup.Binding;
using KafkaBackup.Pipeline;

namespace KafkaBackup.Commands;

[Cmdlet(VerbsCommon.Get, "KafkaOffsetMapping")]
[OutputType(typeof(OffsetMapping))]
public sealed class GetKafkaOffsetMappingCommand : StoreAndClusterCmdlet
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

    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string? OffsetReportPath { get; set; }

    [Parameter]
    public SwitchParameter Scan { get; set; }

    [Parameter]
    [MapForm]
    public Hashtable? TopicMap { get; set; }

    [Parameter]
    [TextListForm]
    public string[]? ConsumerGroup { get; set; }

    private protected override void Process()
    {
        var cluster = Cluster;
        if (Scan)
            RequiredParameters.Check((nameof(BootstrapServer), cluster?.Address));
        else if (cluster is not null)
            throw ErrorIds.ConfigConflict.With(
                "A cluster is given, but nothing is to be read from it.",
                cluster.Address,
                "Add -Scan to read the restored topics, or leave the cluster's parameters out."
            );

        var settings = new OffsetMappingSettings
        {
            Store = Store,
            BackupId = BackupId,
            Topics = Topic,
            ExcludeTopics = ExcludeTopic,
            Partitions = Partition,
            OffsetReportPath = SessionPath.File(SessionState, OffsetReportPath),
            Scan = cluster,
            TopicMapping = Maps.OfText(TopicMap, nameof(TopicMap)),
            ConsumerGroups = ConsumerGroup,
        };
        Pump(async run =>
        {
            foreach (var row in await run.Engine.GetOffsetMappingAsync(settings, run.Stop).ConfigureAwait(false))
                run.Output(row.ConsumerGroup is null ? row : OfGroup(row));
        });
    }

    /// <summary>A row of a group has a table of its own.</summary>
    private static PSObject OfGroup(OffsetMapping row)
    {
        var shown = new PSObject(row);
        shown.TypeNames.Insert(0, $"{typeof(OffsetMapping).FullName}#ConsumerGroup");
        return shown;
    }
}
