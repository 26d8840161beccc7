using System.Management.Automation;
using KafkaBackup.Binding;
using KafkaBackup.Pipeline;

namespace KafkaBackup.Commands;

[Cmdlet(VerbsLifecycle.Start, "KafkaBackup", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[Alias("Backup-KafkaTopic")]
[OutputType(typeof(BackupResult))]
public sealed class StartKafkaBackupCommand : StoreAndClusterCmdlet
{
    [Parameter]
    public string? ConfigPath { get; set; }

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
    [EnumForm<CompressionKind>]
    public CompressionKind? Compression { get; set; }

    [Parameter]
    public int? CompressionLevel { get; set; }

    [Parameter]
    [SizeForm]
    public long? SegmentSize { get; set; }

    [Parameter]
    public SwitchParameter Continuous { get; set; }

    [Parameter]
    [DurationForm]
    public TimeSpan? Duration { get; set; }

    [Parameter]
    [TimeForm]
    public TimePoint? ConsistentAt { get; set; }

    [Parameter]
    [EnumForm<IsolationLevel>]
    public IsolationLevel? IsolationLevel { get; set; }

    [Parameter]
    public int? MaxConcurrentPartition { get; set; }

    [Parameter]
    public long? RecordsPerSecond { get; set; }

    [Parameter]
    [SizeForm]
    public long? BytesPerSecond { get; set; }

    [Parameter]
    public SwitchParameter NoConsumerGroup { get; set; }

    [Parameter]
    public SwitchParameter IncludeInternalTopic { get; set; }

    [Parameter]
    [StartOffsetForm]
    public StartOffsets? StartOffset { get; set; }

    private protected override void Process()
    {
        var settings = Settings();
        Pump(async run =>
        {
            await using var planned = await run.Engine.PlanBackupAsync(settings, run.Stop).ConfigureAwait(false);
            run.Findings(planned.Plan.Findings);
            if (await run.ShouldProcessAsync(PlanText.Of(planned.Plan)).ConfigureAwait(false))
                run.Output(await planned.RunAsync(run.Stop).ConfigureAwait(false));
        });
    }

    private BackupSettings Settings() =>
        new()
        {
            ConfigPath = SessionPath.File(SessionState, ConfigPath),
            Source = Cluster,
            Store = Store,
            BackupId = BackupId,
            Topics = Topic,
            ExcludeTopics = ExcludeTopic,
            Compression = Compression,
            CompressionLevel = CompressionLevel,
            SegmentMaxBytes = SegmentSize,
            Continuous = Given(Continuous),
            Duration = Duration,
            ConsistentAt = ConsistentAt,
            IsolationLevel = IsolationLevel,
            MaxConcurrentPartitions = MaxConcurrentPartition,
            RecordsPerSecond = RecordsPerSecond,
            BytesPerSecond = BytesPerSecond,
            ConsumerGroupSnapshot = !Given(NoConsumerGroup),
            IncludeInternalTopics = Given(IncludeInternalTopic),
            StartOffset = StartOffset,
        };
}
