using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// The way of one partition's blocks into the store: walked and compressed side by side, written in order, segment after segment; and, in
/// the same order, what is to be said of the partition in the manifest. The reader thread puts in, tasks carry on; nothing here waits.
/// </summary>
/// <param name="announced">Segments begin when it has completed; see <see cref="BackupRun"/>.</param>
/// <param name="failed">Told once when nothing more can be stored, from whatever thread found out.</param>
internal sealed class SegmentPipeline(
    TopicPartition id,
    RunScope run,
    Task announced,
    CompressionWorkers workers,
    RunProgress progress,
    Action<KafkaBackupException> failed,
    CancellationToken abort
) : IAsyncDisposable
{
    private Task _tail = Task.CompletedTask;
    private SegmentWriter? _writer;
    private IStoreUpload? _upload;
    private string _key = "";
    private LastRecord? _last;
    private volatile KafkaBackupException? _failure;
    private volatile KafkaBackupException? _damage;
    private volatile bool _endsEarly;

    /// <summary>Why nothing more can be stored; blocks that come after are dropped.</summary>
    public KafkaBackupException? Failure => _failure;

    /// <summary>
    /// Why the partition cannot be read on: a batch does not decode (rule L2). What stands before it is stored; what comes after is
    /// dropped.
    /// </summary>
    public KafkaBackupException? Damage => _damage;

    /// <summary>Of finished segments, as are the next ones.</summary>
    public long Records { get; private set; }

    /// <summary>Payload.</summary>
    public long Bytes { get; private set; }

    public long StoredBytes { get; private set; }

    public int Segments { get; private set; }

    /// <summary>Over the finished segments; null before the first.</summary>
    public (long First, long Last)? Timestamps { get; private set; }

    /// <summary>Completes when all that was put in so far is stored or dropped; never fails.</summary>
    public Task Drained => _tail;

    /// <summary>Takes the block over.</summary>
    /// <param name="mayBeLast">The segment may end with it: then its last record is kept in mind. A segment that ends with another is
    /// dropped.</param>
    public void Add(RawBlock block, bool mayBeLast) => _tail = StoreAsync(_tail, workers.CompressAsync(block, mayBeLast || _endsEarly));

    /// <summary>Ends the segment.</summary>
    public void Close() => Then(FinishAsync);

    public void AddGap(GapEntry gap) => Say(() => run.Draft.AddGap(id, gap));

    public void Complete(long nextOffset) => Say(() => run.Draft.Complete(id, nextOffset));

    /// <summary>Waits for what was put in, then drops a segment that is still open.</summary>
    public async ValueTask DisposeAsync()
    {
        await _tail.ConfigureAwait(false);
        await DropAsync().ConfigureAwait(false);
    }

    private void Say(Action say) =>
        Then(() =>
        {
            say();
            return Task.CompletedTask;
        });

    private void Then(Func<Task> step)
    {
        _tail = AfterAsync(_tail);

        async Task AfterAsync(Task before)
        {
            await before.ConfigureAwait(false);
            if (_failure is null && _damage is null)
            {
                await GuardAsync(step).ConfigureAwait(false);
            }
        }
    }

    private async Task StoreAsync(Task before, Task<WorkedBlock> working)
    {
        await before.ConfigureAwait(false);
        await GuardAsync(async () =>
            {
                using var worked = await working.ConfigureAwait(false);
                if (_failure is null && _damage is null)
                {
                    await StoreAsync(worked).ConfigureAwait(false);
                }
            })
            .ConfigureAwait(false);
    }

    private async Task StoreAsync(WorkedBlock worked)
    {
        if (worked.Block is { } block)
        {
            await AppendAsync(block).ConfigureAwait(false);
            progress.AddBytes(block.Info.Stats.PayloadBytes);
            _last = worked.Last;
            await EndEarlyAsync().ConfigureAwait(false);
        }

        if (worked.Fault is { } fault)
        {
            await FinishAsync().ConfigureAwait(false);
            _damage = LogInspection.Damaged(id, fault.Offset, fault.Problem);
        }
    }

    private async Task GuardAsync(Func<Task> step)
    {
        try
        {
            await step().ConfigureAwait(false);
        }
        catch (KafkaBackupException error)
        {
            await FailAsync(error).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (abort.IsCancellationRequested)
        {
            await FailAsync(ErrorIds.Stopped.With($"Storing {id} was given up.", id.ToString())).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            await FailAsync(ErrorIds.Unexpected.With($"Storing {id} failed: {error.Message}", id.ToString(), inner: error))
                .ConfigureAwait(false);
        }
    }

    private async Task AppendAsync(CompressedBlock block)
    {
        if (_writer is null)
        {
            await announced.WaitAsync(abort).ConfigureAwait(false);
            _key = BackupKeys.NewSegment(id.Topic, id.Partition, block.Info.Stats.FirstOffset);
            _upload = await run.Store.CreateAsync(BackupKeys.Of(run.Session.BackupId, _key), abort).ConfigureAwait(false);
            _writer = new SegmentWriter(
                new SegmentHeader(
                    run.Session.Manifest!.BackupId,
                    id.Topic,
                    id.Partition,
                    run.RunId,
                    run.Options.Compression,
                    run.Clock.GetUtcNow(),
                    SegmentHeader.OfBatches
                )
            );
            await _upload.WriteAsync(_writer.Start(), abort).ConfigureAwait(false);
        }

        await _upload!.WriteAsync(_writer.AppendBlock(block), abort).ConfigureAwait(false);
    }

    /// <summary>
    /// With many partitions at a time the store's memory for open uploads is soon spent: then segments become smaller instead. The reader
    /// goes on counting as if the segment were open, and ends the next one where this one would have ended.
    /// </summary>
    private async Task EndEarlyAsync()
    {
        _endsEarly = _upload!.ShouldEnd;
        if (_endsEarly && _last is not null)
        {
            await FinishAsync().ConfigureAwait(false);
            _endsEarly = false;
        }
    }

    private async Task FinishAsync()
    {
        if (_writer is not null && _last is { } last)
        {
            await _upload!.WriteAsync(_writer.Finish(out var summary), abort).ConfigureAwait(false);
            await _upload.CommitAsync(abort).ConfigureAwait(false);
            var stats = summary.Stats;
            if (!run.Draft.Add(id, summary.ToEntry(_key, run.RunId), stats.LastOffset + 1, last))
            {
                await DropAsync().ConfigureAwait(false);
                return;
            }

            Records += stats.RecordCount;
            Bytes += stats.PayloadBytes;
            StoredBytes += summary.StoredBytes;
            Segments++;
            Timestamps = (
                Math.Min(Timestamps?.First ?? long.MaxValue, stats.MinTimestamp),
                Math.Max(Timestamps?.Last ?? long.MinValue, stats.MaxTimestamp)
            );
        }

        await DropAsync().ConfigureAwait(false);
    }

    private async ValueTask FailAsync(KafkaBackupException error)
    {
        if (_failure is null)
        {
            _failure = error;
            failed(error);
        }

        await DropAsync().ConfigureAwait(false);
    }

    private async ValueTask DropAsync()
    {
        _last = null;
        _writer?.Dispose();
        _writer = null;
        if (_upload is { } upload)
        {
            _upload = null;
            await upload.DisposeAsync().ConfigureAwait(false);
        }
    }
}
