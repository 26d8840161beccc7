using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Catalog;

/// <summary>
/// The right to write one backup: holds its lock, and is the only way to commit. What a commit names must be durable before. Once the lock
/// is lost every commit throws BackupLockLost; whatever was written meanwhile is an orphan and does no harm.
/// </summary>
public sealed class BackupSession : IAsyncDisposable
{
    private const int WritesAtOnce = 4;

    private readonly IStore _store;
    private readonly BackupLock _lock;
    private readonly TimeProvider _clock;
    private readonly ManifestTrimmer _trimmer;
    private readonly SeenGenerations _seen;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly List<Finding> _findings = [];
    private Manifest? _manifest;
    private ManifestLayout _layout = new();
    private long _highest;
    private byte[] _lastHead = [];

    /// <summary>A head whose creation failed without an answer: it may be there.</summary>
    private (Manifest Manifest, CommitPlan Plan)? _inDoubt;

    private BackupSession(IStore store, string backupId, BackupLock heldLock, SessionOptions options)
    {
        _store = store;
        _lock = heldLock;
        _clock = options.Clock;
        Deletion = new OwnedDeletion(store, backupId, heldLock);
        _trimmer = new ManifestTrimmer(store, backupId, options.KeptHeads, Deletion);
        _seen = new SeenGenerations(store.Location);
        BackupId = backupId;
    }

    public string BackupId { get; }

    public bool IsNew { get; private set; }

    /// <summary>True when the last run before this session died: it may have left something behind.</summary>
    public bool FollowsDeadRun { get; private set; }

    /// <summary>The way to delete anything of this backup.</summary>
    internal OwnedDeletion Deletion { get; }

    /// <summary>What is committed. Null only while rebuilding, before the first commit.</summary>
    public Manifest? Manifest => _manifest;

    internal SegmentOwner Owner => new(BackupId, _manifest?.BackupId ?? BackupId);

    /// <summary>
    /// Damage that was met and survived, and leftovers that could not be removed. Nothing in here is in the way of the session.
    /// </summary>
    public IReadOnlyList<Finding> Findings
    {
        get
        {
            lock (_findings)
            {
                return [.. _findings];
            }
        }
    }

    /// <summary>Cancelled as soon as the lock is known to be lost: stop working.</summary>
    public CancellationToken LockLost => _lock.Lost;

    /// <summary>
    /// Takes the lock and opens the backup, or creates it: its first head names nothing, so that segments without any head are always
    /// damage, never "no backup yet" (rule C2).
    /// </summary>
    public static async Task<BackupSession> BeginAsync(
        BackupCatalog catalog,
        string backupId,
        SessionOptions options,
        CancellationToken cancel
    )
    {
        // Whatever must be refused is refused before the lock is written.
        await OpenForWritingAsync(catalog, backupId, options, cancel).ConfigureAwait(false);
        var heldLock = await BackupLock.AcquireAsync(catalog.Store, backupId, options, cancel).ConfigureAwait(false);
        var session = new BackupSession(catalog.Store, backupId, heldLock, options);
        try
        {
            var opened = await OpenForWritingAsync(catalog, backupId, options, cancel).ConfigureAwait(false);
            await session.StartAsync(opened, options, cancel).ConfigureAwait(false);
            return session;
        }
        catch
        {
            await session.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Who holds the lock; null when nobody does. Writes nothing.</summary>
    public static Task<LockInfo?> DescribeLockAsync(BackupCatalog catalog, string backupId, CancellationToken cancel) =>
        BackupLock.DescribeAsync(catalog.Store, backupId, cancel);

    /// <summary>
    /// Makes the value the newest generation; returns it as committed, with its generation and time. When this throws, the value is not
    /// committed, or (a lost answer) the next commit finds out that it was and builds on it.
    /// </summary>
    public async Task<Manifest> CommitAsync(Manifest next, CancellationToken cancel)
    {
        await _gate.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            await _lock.VerifyAsync(cancel).ConfigureAwait(false);
            await ResolveDoubtAsync(cancel).ConfigureAwait(false);
            var committed = await WriteGenerationAsync(next, cancel).ConfigureAwait(false);

            // The commit is done; what follows is care and must not look like its failure.
            await ReportingAsync(
                    FindingKind.ManifestCopy,
                    BackupKeys.ManifestCopy,
                    "The copy of the manifest was not written",
                    () => _store.PutAsync(Full(BackupKeys.ManifestCopy), _lastHead, CancellationToken.None).AsTask()
                )
                .ConfigureAwait(false);
            await ReportingAsync(
                    FindingKind.Orphaned,
                    BackupKeys.ManifestFolder,
                    "What older generations left was not all removed",
                    () => _trimmer.TrimAsync(committed, _layout, cancel)
                )
                .ConfigureAwait(false);
            _seen.Remember(BackupId, committed, _clock.GetUtcNow());
            return committed;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Releases the lock.</summary>
    public async ValueTask DisposeAsync()
    {
        await _lock.DisposeAsync().ConfigureAwait(false);
        _gate.Dispose();
    }

    private static async Task<OpenedBackup?> OpenForWritingAsync(
        BackupCatalog catalog,
        string backupId,
        SessionOptions options,
        CancellationToken cancel
    )
    {
        OpenedBackup? opened;
        try
        {
            opened = options.CreateIfMissing
                ? await catalog.FindAsync(backupId, cancel).ConfigureAwait(false)
                : await catalog.OpenAsync(backupId, cancel).ConfigureAwait(false);
        }
        catch (KafkaBackupException e) when (options.Rebuild && e.Definition == ErrorIds.ManifestDamaged)
        {
            return null;
        }

        return opened is { IsForeign: true }
            ? throw ErrorIds.BackupReadOnly.With($"Backup '{backupId}' in {catalog.Store.Location} was written by another tool.", backupId)
            : opened;
    }

    private async Task StartAsync(OpenedBackup? opened, SessionOptions options, CancellationToken cancel)
    {
        var generations = await new HeadSearch(_store, BackupId).ListGenerationsAsync(cancel).ConfigureAwait(false);
        _highest = Math.Max(opened?.HighestGeneration ?? 0, generations.Count > 0 ? generations[^1] : 0);
        _trimmer.Start(generations);
        if (opened is not null)
        {
            _findings.AddRange(opened.Findings);
            _trimmer.Add(opened.Generation, opened.Layout);
            if (options.Rebuild)
            {
                return;
            }

            FollowsDeadRun = DeadRuns.IsLast(opened.Manifest);
            (_manifest, _layout) = (DeadRuns.End(opened.Manifest), opened.Layout);
            if (opened.Findings.Any(f => f.Kind == FindingKind.ManifestCopy))
            {
                await RenewCopyAsync(opened.Generation, cancel).ConfigureAwait(false);
            }
        }
        else if (!options.Rebuild)
        {
            IsNew = true;
            if (_seen.JudgeNew(BackupId) is { } gone)
            {
                _findings.Add(gone);
            }

            var now = _clock.GetUtcNow();
            await CommitAsync(
                    new Manifest
                    {
                        BackupId = BackupId,
                        Generation = 0,
                        CreatedAt = now,
                        UpdatedAt = now,
                        SourceClusterId = options.SourceClusterId,
                        Complete = false,
                        Runs = [],
                        Topics = new Dictionary<string, TopicEntry>(),
                        GroupSnapshots = [],
                    },
                    cancel
                )
                .ConfigureAwait(false);
        }
    }

    /// <summary>Otherwise a run that has nothing to commit would leave the copy outdated for good.</summary>
    private async Task RenewCopyAsync(long generation, CancellationToken cancel)
    {
        if (await ObjectReading.ReadWholeAsync(_store, Full(BackupKeys.Head(generation)), 0, cancel).ConfigureAwait(false) is { } head)
        {
            await _store.PutAsync(Full(BackupKeys.ManifestCopy), head, cancel).ConfigureAwait(false);
        }
    }

    private async Task<Manifest> WriteGenerationAsync(Manifest next, CancellationToken cancel)
    {
        var committed = next with { Generation = checked(_highest + 1), UpdatedAt = _clock.GetUtcNow() };
        var plan = CommitPlan.Make(_manifest, _layout, committed, _trimmer.DeletedRetirements);
        await Parallel
            .ForEachAsync(
                plan.NewPages,
                new ParallelOptions { MaxDegreeOfParallelism = WritesAtOnce, CancellationToken = cancel },
                async (page, c) =>
                {
                    await _store.PutAsync(Full(page.Key), page.Content, c).ConfigureAwait(false);
                    await _store.PutAsync(Full(BackupKeys.CopyOfPage(page.Key)), page.Content, c).ConfigureAwait(false);
                }
            )
            .ConfigureAwait(false);

        try
        {
            if (!await _store.PutIfAbsentAsync(Full(BackupKeys.Head(committed.Generation)), plan.Head, cancel).ConfigureAwait(false))
            {
                throw _lock.LockLost($"another run has committed generation {committed.Generation}.");
            }

            await RequireNewestAsync(committed.Generation, plan.Head, cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (!(e is KafkaBackupException { Definition: var id } && id == ErrorIds.BackupLockLost))
        {
            _inDoubt = (committed, plan);
            throw;
        }

        Accept(committed, plan);
        return committed;
    }

    /// <summary>
    /// That nobody had a head of this number does not mean that it is the newest: a successor may have come, and trimmed that number away
    /// already, while this process was paused. Such a head is taken back. One that a successor built on stays: it was the newest when it
    /// came.
    /// </summary>
    private async Task RequireNewestAsync(long generation, byte[] head, CancellationToken cancel)
    {
        var generations = await new HeadSearch(_store, BackupId).ListGenerationsAsync(cancel).ConfigureAwait(false);
        if (generations.Count > 0 && generations[^1] > generation)
        {
            var ours = await _store.FindAsync(Full(BackupKeys.Head(generation)), cancel).ConfigureAwait(false);
            var next = await _store.FindAsync(Full(BackupKeys.Head(generation + 1)), cancel).ConfigureAwait(false);
            if (next is null || ours?.LastModified > next.LastModified)
            {
                await Deletion.WithdrawAsync(BackupKeys.Head(generation), head, cancel).ConfigureAwait(false);
            }

            throw _lock.LockLost($"another run has committed generation {generations[^1]}.");
        }

        try
        {
            await _lock.VerifyAsync(cancel).ConfigureAwait(false);
        }
        catch (KafkaBackupException e)
            when (e.Definition == ErrorIds.BackupLockLost && _manifest is { } before && !generations.Contains(before.Generation))
        {
            // The head that this one follows is gone, and no successor has committed: the backup was removed. Ours would name what is no
            // longer there.
            await Deletion.WithdrawAsync(BackupKeys.Head(generation), head, cancel).ConfigureAwait(false);
            throw;
        }
    }

    private async Task ResolveDoubtAsync(CancellationToken cancel)
    {
        if (_inDoubt is not { } doubt)
        {
            return;
        }

        var key = Full(BackupKeys.Head(doubt.Manifest.Generation));
        var there = await ObjectReading.ReadWholeAsync(_store, key, doubt.Plan.Head.Length, cancel).ConfigureAwait(false);
        if (there is not null)
        {
            if (!there.AsSpan().SequenceEqual(doubt.Plan.Head))
            {
                throw _lock.LockLost($"another run has committed generation {doubt.Manifest.Generation}.");
            }

            await RequireNewestAsync(doubt.Manifest.Generation, doubt.Plan.Head, cancel).ConfigureAwait(false);
            Accept(doubt.Manifest, doubt.Plan);
        }

        _inDoubt = null;
    }

    private void Accept(Manifest committed, CommitPlan plan)
    {
        _manifest = committed;
        _layout = plan.Layout;
        _highest = committed.Generation;
        _lastHead = plan.Head;
        _trimmer.Add(committed.Generation, plan.Layout);
    }

    private async Task ReportingAsync(FindingKind kind, string key, string problem, Func<Task> care)
    {
        try
        {
            await care().ConfigureAwait(false);
        }
        catch (KafkaBackupException e)
        {
            lock (_findings)
            {
                _findings.Add(
                    new Finding(
                        FindingSeverity.Warning,
                        kind,
                        Full(key),
                        $"{problem}: {e.Message}",
                        "Nothing is lost: the next commit tries again."
                    )
                );
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped in the middle of cleaning: the next commit goes on with it.
        }
    }

    private string Full(string key) => BackupKeys.Of(BackupId, key);
}
