using System.Collections;
using System.Management.Automation;
using KafkaBackup.Binding;
using KafkaBackup.Pipeline;

namespace KafkaBackup.Commands;

[Cmdlet(VerbsLifecycle.Invoke, "KafkaTopicCompare")]
[Alias("Compare-KafkaTopic")]
[OutputType(typeof(TopicComparison), typeof(bool))]
public sealed class InvokeKafkaTopicCompareCommand : StoreAndClusterCmdlet
{
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(BackupIdCompleter))]
    public string? BackupId { get; set; }

    [Parameter]
    [ArgumentCompleter(typeof(TopicCompleter))]
    [TextListForm]
    public string[]? Topic { get; set; }

    [Parameter]
    [TextListForm]
    public string[]? DifferenceBootstrapServer { get; set; }

    [Parameter]
    [EnumForm<SecurityProtocol>]
    public SecurityProtocol? DifferenceSecurityProtocol { get; set; }

    [Parameter]
    [EnumForm<SaslMechanism>]
    public SaslMechanism? DifferenceSaslMechanism { get; set; }

    [Parameter]
    public PSCredential? DifferenceCredential { get; set; }

    [Parameter]
    [MapForm]
    public Hashtable? DifferenceKafkaOption { get; set; }

    [Parameter]
    public string? DifferencePath { get; set; }

    [Parameter]
    [ArgumentCompleter(typeof(BackupIdCompleter))]
    public string? DifferenceBackupId { get; set; }

    [Parameter]
    [MapForm]
    public Hashtable? DifferenceStorageOption { get; set; }

    [Parameter]
    [ArgumentCompleter(typeof(TopicCompleter))]
    [TextListForm]
    public string[]? DifferenceTopic { get; set; }

    [Parameter]
    public int[]? Partition { get; set; }

    [Parameter]
    public long? MaxRecord { get; set; }

    [Parameter]
    public long? FromOffset { get; set; }

    [Parameter]
    [EnumForm<AlignMode>]
    public AlignMode? Align { get; set; }

    [Parameter]
    [EnumForm<IsolationLevel>]
    public IsolationLevel? IsolationLevel { get; set; }

    [Parameter]
    public SwitchParameter IgnoreKey { get; set; }

    [Parameter]
    public SwitchParameter IgnoreValue { get; set; }

    [Parameter]
    public SwitchParameter IgnoreTimestamp { get; set; }

    [Parameter]
    [TextListForm]
    public string[]? IgnoreHeader { get; set; }

    [Parameter]
    public SwitchParameter CommonTail { get; set; }

    [Parameter]
    public SwitchParameter Summary { get; set; }

    [Parameter]
    public SwitchParameter Quiet { get; set; }

    private static readonly string[] ClusterParameters =
    [
        nameof(BootstrapServer),
        nameof(SecurityProtocol),
        nameof(SaslMechanism),
        nameof(Credential),
        nameof(CaCertificate),
        nameof(ClientCertificate),
        nameof(ClientKey),
        nameof(ClientKeyPassword),
        nameof(KafkaOption),
    ];

    private static readonly string[] StoreParameters = [nameof(Path), nameof(StorageOption)];

    private protected override void Process()
    {
        RequiredParameters.AtMostOne(("-Summary", Summary), ("-Quiet", Quiet));
        var reference = Side(Cluster, Store, BackupId, "");
        var difference = Side(DifferenceCluster, DifferenceStore, DifferenceBackupId, "Difference");

        // Two topics of one cluster, or of one backup: the side need not be written twice.
        if (difference is null && DifferenceTopic is not null)
            difference = reference;
        var settings = new CompareSettings
        {
            Reference = reference,
            Difference = difference,
            Topics = Topic,
            DifferenceTopics = DifferenceTopic,
            Partitions = Partition,
            MaxRecords = MaxRecord,
            FromOffset = FromOffset,
            Align = Align ?? AlignMode.Auto,
            IsolationLevel = IsolationLevel ?? KafkaBackup.IsolationLevel.ReadCommitted,
            IgnoreKey = IgnoreKey,
            IgnoreValue = IgnoreValue,
            IgnoreTimestamp = IgnoreTimestamp,
            IgnoreHeaders = IgnoreHeader,
            CommonTail = CommonTail,
        };
        Pump(run => Compare(run, settings));
    }

    private async Task Compare(EngineRun run, CompareSettings settings)
    {
        var compared = 0L;
        var equal = true;
        await foreach (var row in run.Engine.CompareAsync(settings, run.Stop).ConfigureAwait(false))
        {
            if (row.Partition is null == Summary)
            {
                compared += row.ComparedCount;
                equal &= row.Equal;
                if (!Quiet)
                    run.Output(row);
            }
        }

        // Nothing compared is not equal: silence must not pass for proof.
        if (Quiet)
            run.Output(equal && compared > 0);
    }

    private ClusterSettings? DifferenceCluster
    {
        get
        {
            var settings = new ClusterSettings
            {
                BootstrapServers = Servers(DifferenceBootstrapServer),
                SecurityProtocol = DifferenceSecurityProtocol,
                SaslMechanism = DifferenceSaslMechanism,
                SaslUsername = DifferenceCredential?.UserName,
                SaslPassword = DifferenceCredential is null ? null : new Secret(Maps.Reveal(DifferenceCredential.Password)),
                KafkaOptions = Maps.OfSecrets(DifferenceKafkaOption, nameof(DifferenceKafkaOption)),
            };
            return settings == new ClusterSettings() ? null : settings;
        }
    }

    private StoreSettings? DifferenceStore =>
        StoreBinding.Settings(SessionState, DifferencePath, DifferenceStorageOption, null, "Difference");

    private CompareSide? Side(ClusterSettings? cluster, StoreSettings? store, string? backupId, string prefix)
    {
        RequiredParameters.AtMostOne(
            "They are two sources for one side: the first side is -BootstrapServer or -Path, the other has the same parameters with Difference in front.",
            (Given(ClusterParameters, prefix), cluster is not null),
            (Given(StoreParameters, prefix), store is not null)
        );
        return cluster is null && store is null && backupId is null
            ? null
            : new CompareSide
            {
                Cluster = cluster,
                Store = store,
                BackupId = backupId,
            };
    }

    /// <summary>The parameter that was typed, of those that name one source; the first where it comes from elsewhere.</summary>
    private string Given(IEnumerable<string> parameters, string prefix)
    {
        var names = parameters.Select(name => prefix + name).ToArray();
        return "-" + (names.FirstOrDefault(MyInvocation.BoundParameters.ContainsKey) ?? names[0]);
    }
}
