using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Catalog;

/// <summary>
/// One writer per backup. The lock is an object with a heartbeat; whoever finds one that has not changed for three heartbeats, by the
/// store's clock, takes it over. It keeps honest writers apart and saves wasted work; what keeps a backup whole even if two believe to hold
/// it is that a head is created put-if-absent and a segment's name is unique.
/// </summary>
internal sealed class BackupLock : IAsyncDisposable
{
    /// <summary>
    /// After a take-over: a rival that judged the same lock stale has written its own by then, and one of us sees the other's.
    /// </summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan UnseenPause = TimeSpan.FromMilliseconds(100);

    private readonly IStore _store;
    private readonly TimeProvider _clock;
    private readonly string _key;
    private readonly string _backupId;
    private readonly LockDocument _own;
    private readonly TimeSpan _heartbeat;
    private readonly CancellationTokenSource _lost = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _gate = new(1, 1);
    private Task _beating = Task.CompletedTask;
    private long _lastBeat;
    private KafkaBackupException? _reason;
    private int _released;

    private BackupLock(IStore store, string backupId, LockDocument own, TimeProvider clock)
    {
        _store = store;
        _backupId = backupId;
        _key = BackupKeys.Of(backupId, BackupKeys.Lock);
        _own = own;
        _heartbeat = own.Heartbeat;
        _clock = clock;
    }

    /// <summary>
    /// When we took it, as the store stamps its objects: what is newer than that and not of our making is of somebody after us.
    /// </summary>
    public DateTimeOffset TakenAt { get; private set; }

    private bool IsDue => _clock.GetElapsedTime(Volatile.Read(ref _lastBeat)) > _heartbeat;

    /// <summary>Cancelled when the lock is found to be another's.</summary>
    public CancellationToken Lost => _lost.Token;

    public static async Task<BackupLock> AcquireAsync(IStore store, string backupId, SessionOptions options, CancellationToken cancel)
    {
        var own = new LockDocument
        {
            Owner = Guid.NewGuid().ToString("n"),
            Host = Environment.MachineName,
            ProcessId = Environment.ProcessId,
            RunId = options.RunId,
            StartedAt = options.Clock.GetUtcNow(),
            HeartbeatSeconds = options.Heartbeat.TotalSeconds,
        };
        var acquired = new BackupLock(store, backupId, own, options.Clock);
        try
        {
            await acquired.TakeAsync(options, cancel).ConfigureAwait(false);
            acquired.TakenAt =
                (await store.FindAsync(acquired._key, cancel).ConfigureAwait(false))?.LastModified
                ?? throw acquired.LockLost("the lock was removed.");
            acquired._lastBeat = options.Clock.GetTimestamp();
            acquired._beating = acquired.BeatOnAsync();
            return acquired;
        }
        catch
        {
            await acquired.GiveUpAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Null when nobody holds it.</summary>
    public static async Task<LockInfo?> DescribeAsync(IStore store, string backupId, CancellationToken cancel) =>
        await ReadAsync(store, BackupKeys.Of(backupId, BackupKeys.Lock), cancel).ConfigureAwait(false) is { } found
            ? found.Describe()
            : null;

    /// <summary>Asks the store; throws BackupLockLost unless the lock is ours still.</summary>
    public async Task VerifyAsync(CancellationToken cancel)
    {
        if (_reason is null && await IsOursAsync(cancel).ConfigureAwait(false) && IsDue)
        {
            await BeatAsync(onlyWhenDue: true, cancel).ConfigureAwait(false);
        }

        if (_reason is { } reason)
        {
            throw LockLost(reason.Message, reason);
        }
    }

    public KafkaBackupException LockLost(string why, Exception? cause = null) =>
        ErrorIds.BackupLockLost.With(
            $"Backup '{_backupId}' in {_store.Location} is no longer ours to write: {why}",
            _backupId,
            inner: cause
        );

    /// <summary>Stops the heartbeat and removes the lock, if it is ours still.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _released, 1) != 0)
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await _beating.ConfigureAwait(false);
        try
        {
            if (
                _reason is null
                && LockDocument.Read(await ReadFreshAsync(CancellationToken.None).ConfigureAwait(false))?.Owner == _own.Owner
            )
            {
                await _store.DeleteAsync(_key, CancellationToken.None).ConfigureAwait(false);
            }
        }
        finally
        {
            _stop.Dispose();
            _lost.Dispose();
            _gate.Dispose();
        }
    }

    /// <summary>
    /// A lock that was written before something failed is removed; if the store does not allow that either, the first failure is the one to
    /// report.
    /// </summary>
    private async Task GiveUpAsync()
    {
        try
        {
            await DisposeAsync().ConfigureAwait(false);
        }
        catch (KafkaBackupException)
        {
            // The lock becomes stale, and the next run takes it over.
        }
    }

    /// <summary>
    /// A lock that is there is watched until it goes, changes (its owner lives: an error) or has not changed for three heartbeats (its
    /// owner died: it is taken over), by the store's clock or while we watched, whatever time it bears. So a run right after a crash waits
    /// half a minute at most, and one beside a live run fails within a heartbeat.
    /// </summary>
    private async Task TakeAsync(SessionOptions options, CancellationToken cancel)
    {
        var begin = _clock.GetTimestamp();
        long? unseenSince = null;
        FoundLock? first = null;
        while (!await _store.PutIfAbsentAsync(_key, _own.Write(), cancel).ConfigureAwait(false))
        {
            if (await ReadAsync(_store, _key, cancel).ConfigureAwait(false) is not { } found)
            {
                // Released a moment ago, or the name belongs to something that is no object.
                unseenSince ??= _clock.GetTimestamp();
                if (_clock.GetElapsedTime(unseenSince.Value) >= (options.LockPatience ?? _heartbeat * 3))
                {
                    throw ErrorIds.StoreWrite.With(
                        $"The lock '{_key}' in {_store.Location} can be neither created nor read.",
                        _key,
                        "Look at what has this name (a folder?) and whether this user may read it, remove it, then run again."
                    );
                }

                await Task.Delay(UnseenPause, _clock, cancel).ConfigureAwait(false);
                continue;
            }

            unseenSince = null;
            var holder = found.Describe();
            var age = await _store.GetClockAsync(cancel).ConfigureAwait(false) - found.LastModified;
            var waited = _clock.GetElapsedTime(begin);
            if (age > holder.StaleAfter || (first is not null && found.SameAs(first) && waited > holder.StaleAfter))
            {
                await TakeOverAsync(found, cancel).ConfigureAwait(false);
                return;
            }

            if ((first is not null && !found.SameAs(first)) || waited >= (options.LockPatience ?? holder.StaleAfter * 2))
            {
                throw Locked(holder, age);
            }

            if (first is null)
            {
                options.Events?.Warning(
                    $"{Held(holder, age)} Waiting to see whether it lives: without another heartbeat it is dead, and its lock is taken over in {Math.Ceiling(Math.Min(holder.StaleAfter.TotalSeconds, (holder.StaleAfter - age).TotalSeconds)):F0} s."
                );
                begin = _clock.GetTimestamp();
            }

            first ??= found;

            var pause = TimeSpan.FromTicks(
                Math.Clamp(
                    (holder.StaleAfter - age).Ticks + 1,
                    TimeSpan.TicksPerMillisecond,
                    Math.Max(TimeSpan.TicksPerMillisecond, holder.Heartbeat.Ticks / 2)
                )
            );
            await Task.Delay(pause, _clock, cancel).ConfigureAwait(false);
        }

        if (!_store.Capabilities.AtomicPutIfAbsent)
        {
            await SettleAsync(cancel).ConfigureAwait(false);
        }
    }

    private async Task TakeOverAsync(FoundLock stale, CancellationToken cancel)
    {
        if (await ReadAsync(_store, _key, cancel).ConfigureAwait(false) is { } now && !now.SameAs(stale))
        {
            throw Locked(now.Describe(), TimeSpan.Zero);
        }

        await _store.PutAsync(_key, _own.Write(), cancel).ConfigureAwait(false);
        await SettleAsync(cancel).ConfigureAwait(false);
    }

    private async Task SettleAsync(CancellationToken cancel)
    {
        await Task.Delay(TimeSpan.FromTicks(Math.Min(Settling.Ticks, _heartbeat.Ticks)), _clock, cancel).ConfigureAwait(false);
        if (await ReadAsync(_store, _key, cancel).ConfigureAwait(false) is not { } now || now.Document?.Owner != _own.Owner)
        {
            throw ErrorIds.BackupLocked.With(
                $"Another run took the lock of backup '{_backupId}' in {_store.Location} at the same moment.",
                _backupId
            );
        }
    }

    private async Task BeatOnAsync()
    {
        using var timer = new PeriodicTimer(_heartbeat, _clock);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false) && _reason is null)
            {
                try
                {
                    await BeatAsync(onlyWhenDue: false, _stop.Token).ConfigureAwait(false);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    // The store may come back in time. If not, others may by now hold the lock stale, and we must believe so too.
                    if (_clock.GetElapsedTime(Volatile.Read(ref _lastBeat)) > _heartbeat * 3)
                    {
                        await LoseAsync(
                                ErrorIds.BackupLockLost.With(
                                    $"no heartbeat could be written for too long: {e.Message}",
                                    _backupId,
                                    inner: e
                                )
                            )
                            .ConfigureAwait(false);
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Released.
        }
    }

    private async Task BeatAsync(bool onlyWhenDue, CancellationToken cancel)
    {
        await _gate.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            if (await IsOursAsync(cancel).ConfigureAwait(false) && (!onlyWhenDue || IsDue))
            {
                _own.Beat++;
                await _store.PutAsync(_key, _own.Write(), cancel).ConfigureAwait(false);
                Volatile.Write(ref _lastBeat, _clock.GetTimestamp());
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Reads what is there now. May be asked by several at once: each has an answer that is younger than its question.</summary>
    private async Task<bool> IsOursAsync(CancellationToken cancel)
    {
        var content = await ReadFreshAsync(cancel).ConfigureAwait(false);
        if (content is not null && LockDocument.Read(content)?.Owner == _own.Owner)
        {
            return true;
        }

        var holder = content is null ? null : new FoundLock(content, LockDocument.Read(content), default).Describe();
        await LoseAsync(ErrorIds.BackupLockLost.With(holder is null ? "the lock was removed." : $"{holder} holds the lock now.", _backupId))
            .ConfigureAwait(false);
        return false;
    }

    /// <summary>
    /// The lock as it is now. An answer that took longer than a heartbeat is asked for again: this process may have been paused, and
    /// succeeded meanwhile.
    /// </summary>
    private async Task<byte[]?> ReadFreshAsync(CancellationToken cancel)
    {
        while (true)
        {
            var asked = _clock.GetTimestamp();
            var content = await ObjectReading.ReadWholeAsync(_store, _key, LockDocument.LargestFile, cancel).ConfigureAwait(false);
            if (_clock.GetElapsedTime(asked) <= _heartbeat)
            {
                return content;
            }
        }
    }

    private Task LoseAsync(KafkaBackupException reason)
    {
        _reason = reason;
        return _lost.CancelAsync();
    }

    private KafkaBackupException Locked(LockInfo holder, TimeSpan age) =>
        ErrorIds.BackupLocked.With($"{Held(holder, age)} That run is alive.", _backupId);

    private string Held(LockInfo holder, TimeSpan age) =>
        $"Backup '{_backupId}' in {_store.Location} is being written by {holder}; its last heartbeat was {Math.Max(0, age.TotalSeconds):F0} s ago.";

    private static async Task<FoundLock?> ReadAsync(IStore store, string key, CancellationToken cancel)
    {
        if (await store.FindAsync(key, cancel).ConfigureAwait(false) is not { } found)
        {
            return null;
        }

        if (found.Size > LockDocument.LargestFile)
        {
            return new FoundLock([], null, found.LastModified);
        }

        if (await ObjectReading.ReadWholeAsync(store, key, found.Size, cancel).ConfigureAwait(false) is not { } content)
        {
            return null;
        }

        return new FoundLock(content, LockDocument.Read(content), found.LastModified);
    }

    private sealed record FoundLock(byte[] Content, LockDocument? Document, DateTimeOffset LastModified)
    {
        public bool SameAs(FoundLock other) => LastModified == other.LastModified && Content.AsSpan().SequenceEqual(other.Content);

        public LockInfo Describe() =>
            Document is { } d
                ? new LockInfo(d.Owner, d.Host, d.ProcessId, d.RunId, d.StartedAt, d.Heartbeat, LastModified)
                : new LockInfo("", "an unknown owner", 0, "unknown", LastModified, SessionOptions.DefaultHeartbeat, LastModified);
    }
}
