using System.IO.Enumeration;
using System.Runtime.CompilerServices;
using KafkaBackup.Engine.Format.Foreign;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Catalog;

/// <summary>The backups in a store: which there are, and what each holds. Reads only; <see cref="BackupSession"/> writes.</summary>
public sealed class BackupCatalog(IStore store)
{
    private const int NamedInErrors = 10;
    private const int LookAgain = 5;

    private readonly SeenGenerations _seen = new(store.Location);

    public IStore Store { get; } = store;

    /// <summary>Ids of what looks like a backup, damaged ones too, in ordinal order.</summary>
    /// <param name="pattern">A glob; null for all.</param>
    public async IAsyncEnumerable<string> ListAsync(string? pattern, [EnumeratorCancellation] CancellationToken cancel)
    {
        await RefuseBackupFolderAsync(cancel).ConfigureAwait(false);
        await foreach (var id in Store.ListFoldersAsync("", cancel).ConfigureAwait(false))
        {
            if (NameRules.IsBackupId(id) && Matches(id, pattern) && await LooksLikeBackupAsync(id, cancel).ConfigureAwait(false))
            {
                yield return id;
            }
        }
    }

    /// <summary>
    /// Throws BackupNotFound (naming what is there), ManifestDamaged, FormatTooNew, ForeignFolder, InvalidPath, or what the store throws.
    /// </summary>
    public async Task<OpenedBackup> OpenAsync(string backupId, CancellationToken cancel) =>
        await FindAsync(backupId, cancel).ConfigureAwait(false) ?? throw await NotFoundAsync(backupId, cancel).ConfigureAwait(false);

    /// <summary>
    /// Null only when there is certainly no such backup: nothing of that name, or the store's folder itself is still to be created.
    /// </summary>
    public async Task<OpenedBackup?> FindAsync(string backupId, CancellationToken cancel)
    {
        NameRules.CheckBackupId(backupId);
        try
        {
            await RefuseBackupFolderAsync(cancel).ConfigureAwait(false);
            for (var attempt = 1; ; attempt++)
            {
                var search = new HeadSearch(Store, backupId);
                var found = await search.RunAsync(cancel).ConfigureAwait(false);
                var (backup, error) = await LoadAsync(backupId, found, cancel).ConfigureAwait(false);
                var isClean = error is null && backup is not { Findings.Count: > 0 };
                if (isClean || attempt == LookAgain || !await HasMovedOnAsync(search, found, cancel).ConfigureAwait(false))
                {
                    return error is null ? backup : throw error;
                }
            }
        }
        catch (KafkaBackupException e) when (e.Definition == ErrorIds.StoreNotFound)
        {
            return null;
        }
    }

    /// <summary>How the records of one of the backup's segments are read.</summary>
    public StoredSegment Segment(OpenedBackup backup, string topic, int partition, SegmentEntry entry, bool isKnownDamaged = false) =>
        new(Store, backup.Owner, topic, partition, entry) { IsKnownDamaged = isKnownDamaged };

    /// <summary>Remembers what this user has seen, so that an older state is reported later. Writes nothing into the store.</summary>
    internal void Remember(OpenedBackup backup, DateTimeOffset now)
    {
        if (!backup.IsForeign)
        {
            _seen.Remember(backup.BackupId, backup.Manifest, now);
        }
    }

    /// <summary>The backup was removed on purpose.</summary>
    internal void Forget(string backupId) => _seen.Forget(backupId);

    /// <summary>
    /// Objects of this tool below the backup that no head names. Meaningful only while nobody writes: hold the lock before acting on it.
    /// </summary>
    public IAsyncEnumerable<Orphan> ListOrphansAsync(OpenedBackup backup, CancellationToken cancel) =>
        new OrphanSearch(Store, backup).RunAsync(cancel);

    private async Task<(OpenedBackup? Backup, KafkaBackupException? Damage)> LoadAsync(
        string backupId,
        HeadSearchResult found,
        CancellationToken cancel
    )
    {
        if (found is { IsOurs: false, Copy: { } foreign } && ForeignManifest.IsOne(foreign))
        {
            var manifest = ForeignManifest.Parse(foreign, BackupKeys.Of(backupId, BackupKeys.ManifestCopy));
            return !ManifestValidation.HasSaneTotals(manifest)
                ? (null, Impossible(backupId))
                : (new OpenedBackup(backupId, manifest, [], isForeign: true, 0, new ManifestLayout()), null);
        }

        if (found.Head is not { } head)
        {
            return found.IsOurs || !await IsEmptyAsync(backupId, found, cancel).ConfigureAwait(false)
                ? (null, Unreadable(backupId, found))
                : (null, null);
        }

        try
        {
            var (manifest, layout, findings) = await new ManifestLoader(Store, backupId).LoadAsync(head, cancel).ConfigureAwait(false);
            if (!ManifestValidation.HasSaneTotals(manifest))
            {
                return (null, Impossible(backupId));
            }

            var seen = _seen.Judge(backupId, manifest) is { } older ? (Finding[])[older] : [];
            return (
                new OpenedBackup(
                    backupId,
                    manifest,
                    [.. found.Findings, .. findings, .. seen],
                    isForeign: false,
                    found.HighestGeneration,
                    layout
                ),
                null
            );
        }
        catch (KafkaBackupException e) when (e.Definition == ErrorIds.ManifestDamaged)
        {
            return (null, e);
        }
    }

    /// <summary>What looks like damage may be a writer at work: it commits and removes old heads and pages while we read them.</summary>
    private static async Task<bool> HasMovedOnAsync(HeadSearch search, HeadSearchResult found, CancellationToken cancel)
    {
        var now = await search.ListGenerationsAsync(cancel).ConfigureAwait(false);
        return now.Count > 0 && now[^1] > (found.Generations.Count > 0 ? found.Generations[^1] : 0);
    }

    /// <summary>
    /// No manifest at all. An interrupted creation leaves a lock and nothing else; everything else that lies here is either a backup that
    /// lost its manifest, because the first head is written before the first segment, or somebody else's.
    /// </summary>
    private async Task<bool> IsEmptyAsync(string backupId, HeadSearchResult found, CancellationToken cancel)
    {
        if (found.Copy is not null)
        {
            return await ContainsOursAsync(backupId, cancel).ConfigureAwait(false)
                ? false
                : throw Foreign(backupId, BackupKeys.ManifestCopy);
        }

        string? strange = null;
        await foreach (var item in Store.ListAsync(backupId + "/", cancel).ConfigureAwait(false))
        {
            var key = item.Key[(backupId.Length + 1)..];
            if (IsOurs(key))
            {
                return false;
            }

            if (key != BackupKeys.Lock)
            {
                strange ??= key;
            }
        }

        return strange is null ? true : throw Foreign(backupId, strange);
    }

    private async Task<bool> ContainsOursAsync(string backupId, CancellationToken cancel)
    {
        await foreach (var item in Store.ListAsync(backupId + "/", cancel).ConfigureAwait(false))
        {
            if (IsOurs(item.Key[(backupId.Length + 1)..]))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsOurs(string key) =>
        key.StartsWith(BackupKeys.ManifestFolder, StringComparison.Ordinal)
        || (
            key.StartsWith(BackupKeys.Topics, StringComparison.Ordinal)
            && key.EndsWith(BackupKeys.SegmentExtension, StringComparison.Ordinal)
        );

    private async ValueTask<bool> LooksLikeBackupAsync(string id, CancellationToken cancel)
    {
        foreach (
            var prefix in (string[])
                [
                    BackupKeys.Of(id, BackupKeys.ManifestCopy),
                    BackupKeys.Of(id, BackupKeys.ManifestFolder),
                    BackupKeys.Of(id, BackupKeys.Topics),
                ]
        )
        {
            await foreach (var _ in Store.ListAsync(prefix, cancel).ConfigureAwait(false))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A path that is itself a backup's folder is a natural slip; the answer spells out what was meant.</summary>
    private async Task RefuseBackupFolderAsync(CancellationToken cancel)
    {
        if (await Store.FindAsync(BackupKeys.ManifestCopy, cancel).ConfigureAwait(false) is null)
        {
            return;
        }

        var location = Store.Location.TrimEnd('/', '\\');
        var cut = location.LastIndexOfAny(['/', '\\']);
        var root = location[..(cut == 0 ? 1 : cut)];
        throw ErrorIds.InvalidPath.With(
            $"'{Store.Location}' is a backup's own folder, not the one that holds the backups.",
            Store.Location,
            $"Use -Path '{root}' -BackupId '{location[(cut + 1)..]}'."
        );
    }

    private async Task<KafkaBackupException> NotFoundAsync(string backupId, CancellationToken cancel)
    {
        var there = new List<string>();
        try
        {
            await foreach (var id in ListAsync(null, cancel).ConfigureAwait(false))
            {
                there.Add(id);
            }
        }
        catch (KafkaBackupException e) when (e.Definition == ErrorIds.StoreNotFound)
        {
            return ErrorIds.BackupNotFound.With($"There is no backup '{backupId}': {e.Message}", backupId, e.Advice, e);
        }

        var named = there.Count switch
        {
            0 => "There are no backups there.",
            <= NamedInErrors => $"There are: {string.Join(", ", there)}.",
            _ => $"There are {there.Count}, among them: {string.Join(", ", there.Take(NamedInErrors))}.",
        };
        return ErrorIds.BackupNotFound.With($"There is no backup '{backupId}' in {Store.Location}. {named}", backupId);
    }

    private KafkaBackupException Unreadable(string backupId, HeadSearchResult found)
    {
        var heads = found.Generations.Count == 0 ? "no head is left" : $"all {found.Generations.Count} heads are damaged";
        var copy = found.Copy is null ? "its copy is missing" : "its copy is damaged";
        return ErrorIds.ManifestDamaged.With(
            $"The manifest of backup '{backupId}' in {Store.Location} cannot be used: {heads}, and {copy}.",
            BackupKeys.Of(backupId, BackupKeys.ManifestCopy)
        );
    }

    private KafkaBackupException Impossible(string backupId) =>
        ErrorIds.ManifestDamaged.With(
            $"The manifest of backup '{backupId}' in {Store.Location} names more bytes or records than can exist.",
            BackupKeys.Of(backupId, BackupKeys.ManifestCopy)
        );

    private KafkaBackupException Foreign(string backupId, string key) =>
        ErrorIds.ForeignFolder.With(
            key == BackupKeys.ManifestCopy
                ? $"'{backupId}' in {Store.Location} holds a {key} that neither KafkaBackup nor a tool it can read from has written."
                : $"'{backupId}' in {Store.Location} is no backup: it holds '{key}', which is not KafkaBackup's.",
            BackupKeys.Of(backupId, key)
        );

    /// <summary>A glob with * and ?, as PowerShell users expect it: without regard to case. Null matches all.</summary>
    private static bool Matches(string id, string? pattern) =>
        pattern is null || FileSystemName.MatchesSimpleExpression(pattern, id, ignoreCase: true);
}
