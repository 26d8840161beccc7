using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Catalog;

/// <summary>What was found of a backup's heads.</summary>
/// <param name="Head">The newest valid head; null when none is.</param>
/// <param name="HighestGeneration">Of all heads, damaged ones too: the next commit takes the number after it.</param>
/// <param name="Generations">Of all heads that are there, ascending.</param>
/// <param name="Copy">The bytes of manifest.json, which may be a foreign tool's; null when it is missing.</param>
internal sealed record HeadSearchResult(
    HeadDocument? Head,
    long HighestGeneration,
    IReadOnlyList<long> Generations,
    byte[]? Copy,
    IReadOnlyList<Finding> Findings
)
{
    /// <summary>False where no head and no copy was ever ours.</summary>
    public required bool IsOurs { get; init; }
}

/// <summary>
/// Finds the head that counts: the highest valid generation. The copy serves where the newest head is damaged and the copy is of the same
/// generation, or where it is all there is; else the head before serves, and the finding says so. Errors of the store are never taken for
/// damage or absence (rule C2).
/// </summary>
internal sealed class HeadSearch(IStore store, string backupId)
{
    private const string CopyAdvice = "Nothing is lost: the next run rewrites it.";

    private readonly List<Finding> _findings = [];
    private readonly List<int> _versionsOfDamaged = [];
    private readonly List<string> _absurd = [];

    /// <summary>Keys below the backup of what the last listing found named like heads with numbers that no backup reaches.</summary>
    public IReadOnlyList<string> AbsurdHeads => _absurd;

    public async Task<HeadSearchResult> RunAsync(CancellationToken cancel)
    {
        var generations = await ListGenerationsAsync(cancel).ConfigureAwait(false);
        var copyBytes = await ObjectReading.ReadWholeAsync(store, Full(BackupKeys.ManifestCopy), 0, cancel).ConfigureAwait(false);
        var copy = copyBytes is null ? default(HeadReading?) : ManifestValidation.ReadHead(copyBytes);
        foreach (var key in _absurd)
        {
            Report(
                FindingKind.ManifestDamaged,
                key,
                "This head has a number that no backup reaches; it does not count.",
                "Find out who put it there; Repair-KafkaBackup removes it."
            );
        }

        Judge(copy, BackupKeys.ManifestCopy);
        var isOurs = generations.Count > 0 || copy is { State: not HeadState.Unknown };
        var highest = Math.Max(generations.Count > 0 ? generations[^1] : 0, copy?.Head?.Generation ?? 0);
        var head = await FindNewestAsync(generations, copy?.Head, cancel).ConfigureAwait(false);
        if (head is null)
        {
            RefuseWhatCallsItselfNewer();
        }
        else if (isOurs)
        {
            DescribeCopy(copy, head.Generation);
        }

        return new HeadSearchResult(head, highest, generations, copyBytes, _findings) { IsOurs = isOurs };
    }

    /// <summary>The valid head of one generation; null when it is missing or damaged.</summary>
    public async ValueTask<HeadDocument?> ReadAsync(long generation, CancellationToken cancel)
    {
        var key = BackupKeys.Head(generation);
        if (await ObjectReading.ReadWholeAsync(store, Full(key), 0, cancel).ConfigureAwait(false) is not { } bytes)
        {
            return null;
        }

        var reading = ManifestValidation.ReadHead(bytes);
        Judge(reading, key);
        return reading.Head is { } head && head.Generation == generation ? head : null;
    }

    public async Task<List<long>> ListGenerationsAsync(CancellationToken cancel)
    {
        var generations = new List<long>();
        _absurd.Clear();
        await foreach (var found in store.ListAsync(Full(BackupKeys.HeadStart), cancel).ConfigureAwait(false))
        {
            var key = found.Key[(backupId.Length + 1)..];
            if (BackupKeys.GenerationOf(key) is { } generation)
            {
                generations.Add(generation);
            }
            else if (BackupKeys.IsAbsurdHead(key))
            {
                _absurd.Add(key);
            }
        }

        return generations;
    }

    private async Task<HeadDocument?> FindNewestAsync(List<long> generations, HeadDocument? copy, CancellationToken cancel)
    {
        // The copy is written after its head: a newer one means that the head was lost, not that it never was.
        if (copy is not null && generations.Count > 0 && copy.Generation > generations[^1])
        {
            Report(
                FindingKind.ManifestDamaged,
                BackupKeys.Head(copy.Generation),
                $"The head of generation {copy.Generation} is missing; its copy {BackupKeys.ManifestCopy} is whole and serves.",
                "The next run writes a new head."
            );
            return copy;
        }

        for (var i = generations.Count - 1; i >= 0; i--)
        {
            var generation = generations[i];
            var copyServes = copy?.Generation == generation;
            try
            {
                if (await ReadAsync(generation, cancel).ConfigureAwait(false) is { } head)
                {
                    return head;
                }
            }
            catch (KafkaBackupException e) when (copyServes && e.Definition == ErrorIds.StoreRead && !StoreFault.IsTransient(e))
            {
                // A bad sector under the newest head: the copy says the same. Where it does not, this stays an error of the store.
            }

            Report(
                FindingKind.ManifestDamaged,
                BackupKeys.Head(generation),
                copyServes
                    ? $"The head of generation {generation} is damaged; its copy {BackupKeys.ManifestCopy} is whole and serves."
                    : $"The head of generation {generation} is damaged; what only this generation named is not part of the backup now.",
                copyServes
                    ? "The next run writes a new head."
                    : "The next run reads again what is not named; Repair-KafkaBackup finds what is stored already."
            );
            if (copyServes)
            {
                return copy;
            }
        }

        if (copy is not null)
        {
            Report(
                FindingKind.ManifestDamaged,
                BackupKeys.ManifestFolder,
                $"No head is left; the copy {BackupKeys.ManifestCopy} of generation {copy.Generation} serves.",
                "Find out who removed or changed the files; the next run writes a new head."
            );
        }

        return copy;
    }

    private void DescribeCopy(HeadReading? copy, long generation)
    {
        switch (copy)
        {
            case null:
                Report(FindingKind.ManifestCopy, BackupKeys.ManifestCopy, "The copy of the manifest is missing.", CopyAdvice);
                break;
            case { State: HeadState.Valid, Head: { } head } when head.Generation < generation:
                // What a run leaves that dies between the two.
                Report(
                    FindingKind.ManifestCopy,
                    BackupKeys.ManifestCopy,
                    $"The copy of the manifest is of generation {head.Generation}, the newest is {generation}.",
                    CopyAdvice,
                    FindingSeverity.Information
                );
                break;
            case { State: not HeadState.Valid }:
                Report(FindingKind.ManifestCopy, BackupKeys.ManifestCopy, "The copy of the manifest is damaged.", CopyAdvice);
                break;
        }
    }

    private void Judge(HeadReading? reading, string key)
    {
        if (reading is { State: HeadState.Damaged, Version: var said })
        {
            _versionsOfDamaged.Add(said);
        }

        if (reading is { State: HeadState.TooNew, Version: var version })
        {
            throw ErrorIds.FormatTooNew.With(
                $"Backup '{backupId}' in {store.Location} has format version {version}; this program reads versions up to {ManifestFile.Version}.",
                Full(key)
            );
        }
    }

    /// <summary>
    /// Nothing serves, and all that is there names a later version. To call that damage would advise a repair, which writes our version
    /// over what may be another program's sound backup. One head among others that names a later version is damage: they serve.
    /// </summary>
    private void RefuseWhatCallsItselfNewer()
    {
        if (_versionsOfDamaged.Count > 0 && _versionsOfDamaged.TrueForAll(v => v > ManifestFile.Version))
        {
            throw ErrorIds.FormatTooNew.With(
                $"The manifest of backup '{backupId}' in {store.Location} says that it has format version {_versionsOfDamaged.Max()}, but its checksum is not one that this program knows; "
                    + $"it reads versions up to {ManifestFile.Version}.",
                Full(BackupKeys.ManifestCopy),
                "Use the version of KafkaBackup that wrote this backup. If none newer ever did, the manifest was changed: put its files back from a copy."
            );
        }
    }

    private void Report(FindingKind kind, string key, string message, string advice, FindingSeverity severity = FindingSeverity.Warning) =>
        _findings.Add(new Finding(severity, kind, Full(key), message, advice));

    private string Full(string key) => BackupKeys.Of(backupId, key);
}
