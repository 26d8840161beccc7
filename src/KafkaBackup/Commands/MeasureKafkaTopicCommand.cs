using System.Management.Automation;
using KafkaBackup.Binding;
using KafkaBackup.Pipeline;

namespace KafkaBackup.Commands;

[Cmdlet(VerbsDiagnostic.Measure, "KafkaTopic")]
[OutputType(typeof(TopicMeasure))]
public sealed class MeasureKafkaTopicCommand : ClusterCmdlet
{
    [Parameter]
    [TextListForm]
    public string[]? Topic { get; set; }

    [Parameter]
    [TextListForm]
    public string[]? ExcludeTopic { get; set; }

    [Parameter]
    public int[]? Partition { get; set; }

    [Parameter]
    [DurationForm]
    public TimeSpan? Duration { get; set; }

    [Parameter]
    public SwitchParameter Summary { get; set; }

    private protected override void Process()
    {
        RequiredParameters.Check((nameof(BootstrapServer), Cluster?.Address), (nameof(Topic), Topic));
        var settings = new MeasureSettings
        {
            Cluster = Cluster,
            Topics = Topic,
            ExcludeTopics = ExcludeTopic,
            Partitions = Partition,
        };
        if (Duration is { } duration)
            settings = settings with { Duration = duration };
        Pump(async run =>
        {
            foreach (var row in await run.Engine.MeasureTopicsAsync(settings, run.Stop).ConfigureAwait(false))
            {
                if (row.Partition is null == Summary)
                    run.Output(row);
            }
        });
    }
}
