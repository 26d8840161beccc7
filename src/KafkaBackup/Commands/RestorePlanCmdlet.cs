using KafkaBackup.Pipeline;

namespace KafkaBackup.Commands;

/// <summary>
/// What Restore-KafkaBackup and its rehearsal have in common: all parameters (they follow from settings.table), and that the backups of the
/// pipeline are collected and planned together, so that two that would write one partition are refused before any write (rule E9).
/// </summary>
public abstract partial class RestorePlanCmdlet : StoreAndClusterCmdlet
{
    private readonly List<RestoreSettings> _collected = [];

    private protected override bool HandlesItemsOneByOne => false;

    private protected override void Process() => _collected.Add(Settings());

    private protected override void Finish()
    {
        if (_collected.Count > 0)
            Handle(_collected);
    }

    private protected abstract void Handle(IReadOnlyList<RestoreSettings> settings);

    private protected virtual RestoreSettings Settings() =>
        BoundSettings with
        {
            Target = Cluster,
            Store = Store,
            // Naming groups, or all of them, is asking for their reset; the file's own key needs no repetition here.
            ResetConsumerOffsets = ResetConsumerGroup is { Length: > 0 } || Given(AllConsumerGroups) == true ? true : null,
        };
}
