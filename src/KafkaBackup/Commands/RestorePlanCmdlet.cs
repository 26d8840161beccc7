using System.Collections;
using System.Management.Automation;
using KafkaBackup.Binding;
using KafkaBackup.Pipeline;

namespace KafkaBackup.Commands;

/// <summary>
/// What Restore-KafkaBackup and its rehearsal have in common: all parameters, and that the backups of the pipeline are collected and
/// planned together, so that two that would write one partition are refused before any write (rule E9).
/// </summary>
public abstract class RestorePlanCmdlet : StoreAndClusterCmdlet
{
    private readonly List<RestoreSettings> _collected = [];

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
    public int[]? Partition { get; set; }

    [Parameter]
    [MapForm]
    public Hashtable? TopicMap { get; set; }

    [Parameter]
    [MapForm]
    public Hashtable? PartitionMap { get; set; }

    [Parameter]
    [TimeForm(RoundUp = true)]
    public TimePoint? FromTime { get; set; }

    [Parameter]
    [TimeForm]
    public TimePoint? ToTime { get; set; }

    [Parameter]
    [EnumForm<OffsetStrategy>]
    public OffsetStrategy? OffsetStrategy { get; set; }

    [Parameter]
    public SwitchParameter IncludeOriginalOffsetHeader { get; set; }

    [Parameter]
    [TextListForm]
    public string[]? ResetConsumerGroup { get; set; }

    [Parameter]
    public SwitchParameter AllConsumerGroups { get; set; }

    [Parameter]
    public string? OffsetReportPath { get; set; }

    [Parameter]
    public string? CheckpointPath { get; set; }

    [Parameter]
    [DurationForm]
    public TimeSpan? CheckpointInterval { get; set; }

    [Parameter]
    public int? MaxConcurrentPartition { get; set; }

    [Parameter]
    public int? BatchSize { get; set; }

    [Parameter]
    public long? RecordsPerSecond { get; set; }

    [Parameter]
    [SizeForm]
    public long? BytesPerSecond { get; set; }

    [Parameter]
    public SwitchParameter NoCreateTopic { get; set; }

    [Parameter]
    public int? ReplicationFactor { get; set; }

    [Parameter]
    [MapForm]
    public Hashtable? TopicConfig { get; set; }

    [Parameter]
    public SwitchParameter AllowMerge { get; set; }

    [Parameter]
    public SwitchParameter Purge { get; set; }

    [Parameter]
    [EnumForm<DeliveryMode>]
    public DeliveryMode? Delivery { get; set; }

    [Parameter]
    public SwitchParameter Force { get; set; }

    private protected override bool HandlesItemsOneByOne => false;

    private protected override void Process() => _collected.Add(Settings());

    private protected override void Finish()
    {
        if (_collected.Count > 0)
            Handle(_collected);
    }

    private protected abstract void Handle(IReadOnlyList<RestoreSettings> settings);

    private protected virtual RestoreSettings Settings() =>
        new()
        {
            ConfigPath = SessionPath.File(SessionState, ConfigPath),
            Target = Cluster,
            Store = Store,
            BackupId = BackupId,
            Topics = Topic,
            ExcludeTopics = ExcludeTopic,
            SourcePartitions = Partition,
            TopicMapping = Maps.OfText(TopicMap, nameof(TopicMap)),
            PartitionMapping = Maps.OfNumbers(PartitionMap, nameof(PartitionMap)),
            TimeWindowStart = TimeFormAttribute.Milliseconds(FromTime),
            TimeWindowEnd = TimeFormAttribute.Milliseconds(ToTime),
            OffsetStrategy = OffsetStrategy,
            IncludeOriginalOffsetHeader = Given(IncludeOriginalOffsetHeader),
            // Naming groups, or all of them, is asking for their reset; the file's own key needs no repetition here.
            ResetConsumerOffsets = ResetConsumerGroup is { Length: > 0 } || Given(AllConsumerGroups) == true ? true : null,
            ConsumerGroups = ResetConsumerGroup,
            AllConsumerGroups = Given(AllConsumerGroups),
            OffsetReportPath = SessionPath.File(SessionState, OffsetReportPath),
            CheckpointPath = SessionPath.File(SessionState, CheckpointPath),
            CheckpointInterval = CheckpointInterval,
            MaxConcurrentPartitions = MaxConcurrentPartition,
            ProduceBatchSize = BatchSize,
            RecordsPerSecond = RecordsPerSecond,
            BytesPerSecond = BytesPerSecond,
            CreateTopics = !Given(NoCreateTopic),
            DefaultReplicationFactor = ReplicationFactor,
            TopicConfigOverrides = TopicConfigs(),
            AllowMerge = Given(AllowMerge),
            PurgeTopics = Given(Purge),
            Delivery = Delivery,
            Force = Given(Force),
        };

    /// <summary>
    /// One map for all created topics; the file can also say it topic by topic. No value leaves the setting to the brokers.
    /// </summary>
    private Dictionary<string, IReadOnlyDictionary<string, string>>? TopicConfigs() =>
        Maps.OfText(TopicConfig, nameof(TopicConfig), ofNull: "") is { } configs
            ? new Dictionary<string, IReadOnlyDictionary<string, string>>(StringComparer.Ordinal) { [""] = configs }
            : null;
}
