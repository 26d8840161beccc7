using KafkaBackup.Engine.Catalog;

namespace KafkaBackup.Engine.Verify;

/// <summary>Who holds a backup's lock, and whether that is a living run.</summary>
internal sealed record LockState(LockInfo? Holder, TimeSpan Age)
{
    public bool IsHeld => Holder is not null;

    /// <summary>No sign of life for so long that the next run takes the lock over.</summary>
    public bool IsStale => Holder is { } holder && Age > holder.StaleAfter;

    /// <summary>Held, and not proven dead.</summary>
    public bool MayBeAlive => IsHeld && !IsStale;

    public static async Task<LockState> LookAsync(BackupCatalog catalog, string backupId, CancellationToken cancel)
    {
        var holder = await BackupSession.DescribeLockAsync(catalog, backupId, cancel).ConfigureAwait(false);
        return holder is null ? new LockState(null, default) : new LockState(holder, await catalog.Store.GetClockAsync(cancel).ConfigureAwait(false) - holder.LastBeat);
    }

    public Finding? ToFinding(string backupId)
    {
        if (Holder is not { } holder)
        {
            return null;
        }

        var place = BackupKeys.Of(backupId, BackupKeys.Lock);
        var beat = $"its last heartbeat was {Math.Max(0, Age.TotalSeconds):F0} s ago";
        return IsStale
            ? new Finding(FindingSeverity.Warning, FindingKind.Lock, place, $"The lock was left behind by {holder}; {beat}.", "The next run takes it over; Repair-KafkaBackup releases it.")
            : new Finding(
                FindingSeverity.Information, FindingKind.Lock, place, $"The backup is being written by {holder}; {beat}.",
                "Leftovers cannot be told from a run's unfinished work: check again after the run for those.");
    }
}
