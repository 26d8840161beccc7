using KafkaBackup.Engine;

namespace KafkaBackup.Binding;

/// <summary>Offers the ids of the store's backups.</summary>
public sealed class BackupIdCompleter : StoreCompleter
{
    private protected override IAsyncEnumerable<BackupInfo> Look(
        KafkaEngine engine,
        StoreSettings store,
        string? backupId,
        string word,
        CancellationToken cancel
    ) => engine.GetBackupsAsync(store, word + "*", null, cancel);

    private protected override IEnumerable<(string Name, string Tip)> Offer(BackupInfo backup) =>
        [(backup.BackupId, $"{backup.Status}, {backup.CreatedAt:u}, {backup.RecordCount} records of {backup.TopicCount} topics")];
}
