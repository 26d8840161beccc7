using KafkaBackup.Engine.Catalog;

namespace KafkaBackup.Engine.Verify;

/// <summary>Who holds a backup's lock, and whether that is a living run.</summary>
internal sealed record LockState(LockInfo? Holder, TimeSpan Age)
{
    public bool IsHeld => Holder is not null;

    /// <summary>No sign of life for so long that the next run takes the lock over.</summary>
    public bool IsStale => Holder is { } holder && Age > holder.StaleAfter;

    /// <summary>
    /// Its time is in the future, so its age says nothing: the store's clock was set back, or the file was written by hand.
    /// </summary>
    public bool IsOfUnknownAge => Holder is { } holder && Age < -holder.StaleAfter;

    /// <summary>Held, and a heartbeat was seen lately.</summary>
    public bool IsAlive => IsHeld && !IsStale && !IsOfUnknownAge;

    /// <summary>Held, and not proven dead.</summary>
    public bool MayBeAlive => IsHeld && !IsStale;

    public static async Task<LockState> LookAsync(BackupCatalog catalog, string backupId, CancellationToken cancel)
    {
        var holder = await BackupSession.DescribeLockAsync(catalog, backupId, cancel).ConfigureAwait(false);
        return holder is null
            ? new LockState(null, default)
            : new LockState(holder, await catalog.Store.GetClockAsync(cancel).ConfigureAwait(false) - holder.LastBeat);
    }

    /// <summary>
    /// Watches a lock that may be a living run's until it is known: it changes or goes, or it does not change for three heartbeats. Reads
    /// only, so that a plan promises nothing that a live run will refuse.
    /// </summary>
    /// <returns>Held by the living, or not held by anybody alive.</returns>
    public static async Task<LockState> WatchAsync(
        BackupCatalog catalog,
        string backupId,
        TimeProvider clock,
        IEngineEvents events,
        CancellationToken cancel
    )
    {
        var first = await LookAsync(catalog, backupId, cancel).ConfigureAwait(false);
        if (first is not { MayBeAlive: true, Holder: { } holder })
        {
            return first;
        }

        events.Warning(
            $"Backup '{backupId}' may be being written by {holder}. Waiting to see whether it lives: without another heartbeat within {holder.StaleAfter.TotalSeconds:F0} s it is dead."
        );
        var begin = clock.GetTimestamp();
        while (clock.GetElapsedTime(begin) <= holder.StaleAfter)
        {
            await Task.Delay(holder.Heartbeat / 2, clock, cancel).ConfigureAwait(false);
            var now = await LookAsync(catalog, backupId, cancel).ConfigureAwait(false);
            if (now.Holder != holder)
            {
                return now;
            }
        }

        return first with
        {
            Age = holder.StaleAfter + holder.Heartbeat,
        };
    }

    public Finding? ToFinding(string backupId)
    {
        if (Holder is not { } holder)
        {
            return null;
        }

        var place = BackupKeys.Of(backupId, BackupKeys.Lock);
        if (IsOfUnknownAge)
        {
            return new Finding(
                FindingSeverity.Warning,
                FindingKind.Lock,
                place,
                $"The lock of {holder} has the time {holder.LastBeat:u}, which is in the future by the store's clock: whether that run is alive is unknown.",
                "Correct the clock that is wrong. The next run, or Repair-KafkaBackup, watches the lock and releases it when it does not change."
            );
        }

        var beat = $"its last heartbeat was {Math.Max(0, Age.TotalSeconds):F0} s ago";
        return IsStale
            ? new Finding(
                FindingSeverity.Warning,
                FindingKind.Lock,
                place,
                $"The lock was left behind by {holder}; {beat}.",
                "The next run takes it over; Repair-KafkaBackup releases it."
            )
            : new Finding(
                FindingSeverity.Information,
                FindingKind.Lock,
                place,
                $"The backup is being written by {holder}; {beat}.",
                "Leftovers cannot be told from a run's unfinished work: check again after the run for those."
            );
    }
}
