using KafkaBackup.Engine;

namespace KafkaBackup.Binding;

/// <summary>Offers the topics that the backup on the line holds, or all backups of the store.</summary>
public sealed class TopicCompleter : StoreCompleter
{
    private protected override IAsyncEnumerable<BackupInfo> Look(
        KafkaEngine engine,
        StoreSettings store,
        string? backupId,
        string word,
        CancellationToken cancel
    ) => engine.GetBackupsAsync(store, backupId, null, cancel);

    private protected override IEnumerable<(string Name, string Tip)> Offer(BackupInfo backup) =>
        backup.Topics.Select(topic =>
            (topic.Topic, $"{topic.RecordCount} records in {topic.Partitions.Count} partitions of {backup.BackupId}")
        );
}
