using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// The way of one partition's blocks into the store: compressed side by side, written in order, segment after segment; and, in the same
/// order, what is to be said of the partition in the manifest. The reader thread puts in, tasks carry on; nothing here waits.
/// </summary>
/// <param name="announced">Segments begin when it has completed; see <see cref="BackupRun"/>.</param>
/// <param name="failed">Told once when nothing more can be stored, from whatever thread found out.</param>
internal sealed class SegmentLine(
    TopicPartition id,
    RunScope run,
    Task announced,
    CompressionWorkers workers,
    Action<KafkaBackupException> failed,
    CancellationToken abort
) : IAsyncDisposable
{
    private Task _tail = Task.CompletedTask;
    private SegmentWriter? _writer;
    private IStoreUpload? _upload;
    private string _key = "";
    private string? _lastDigest;
    private volatile KafkaBackupException? _failure;
    private volatile bool _endsEarly;

    /// <summary>Why nothing more can be stored; blocks that come after are dropped.</summary>
    public KafkaBackupException? Failure => _failure;

    /// <summary>Bytes of finished segments.</summary>
    public long StoredBytes { get; private set; }

    public int Segments { get; private set; }

    /// <summary>Over the finished segments; null before the first.</summary>
    public (long First, long Last)? Timestamps { get; private set; }

    /// <summary>Completes when all that was put in so far is stored or dropped; never fails.</summary>
    public Task Drained => _tail;

    /// <summary>Takes the block over.</summary>
    /// <param name="mayBeLast">The segment may end with it: then its last record's digest is kept. A segment that ends with another is
    /// dropped.</param>
    /// <param name="leaderEpoch">That of its last record, should the store ask to end the segment with it.</param>
    public void Add(RawBlock block, bool mayBeLast, int leaderEpoch) =>
        _tail = StoreAsync(_tail, workers.CompressAsync(block, mayBeLast || _endsEarly), leaderEpoch);

    /// <summary>Ends the segment; the epoch is that of its last record.</summary>
    public void Close(int leaderEpoch) => Then(() => FinishAsync(leaderEpoch));

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
            if (_failure is null)
            {
                await GuardAsync(step).ConfigureAwait(false);
            }
        }
    }

    private async Task StoreAsync(Task before, Task<StoredBlock> compressing, int leaderEpoch)
    {
        await before.ConfigureAwait(false);
        await GuardAsync(async () =>
            {
                var (block, digest, fault) = await compressing.ConfigureAwait(false);
                using (block)
                {
                    if (block is not null && _failure is null)
                    {
                        await AppendAsync(block).ConfigureAwait(false);
                        _lastDigest = digest;
                        await EndEarlyAsync(leaderEpoch).ConfigureAwait(false);
                    }
                }

                if (fault is not null)
                {
                    throw ErrorIds.PartitionRead.With($"{id}: the batch at offset {fault.Offset} is damaged: {fault.Problem}", id.ToString());
                }
            })
            .ConfigureAwait(false);
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
                    run.Clock.GetUtcNow()
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
    private async Task EndEarlyAsync(int leaderEpoch)
    {
        _endsEarly = _upload!.ShouldEnd;
        if (_endsEarly && _lastDigest is not null)
        {
            await FinishAsync(leaderEpoch).ConfigureAwait(false);
            _endsEarly = false;
        }
    }

    private async Task FinishAsync(int leaderEpoch)
    {
        if (_writer is not null && _lastDigest is { } digest)
        {
            await _upload!.WriteAsync(_writer.Finish(out var summary), abort).ConfigureAwait(false);
            await _upload.CommitAsync(abort).ConfigureAwait(false);
            var stats = summary.Stats;
            if (
                !run.Draft.Add(
                    id,
                    summary.ToEntry(_key, run.RunId),
                    stats.LastOffset + 1,
                    new LastRecord(stats.LastOffset, leaderEpoch, digest)
                )
            )
            {
                await DropAsync().ConfigureAwait(false);
                return;
            }

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
        _lastDigest = null;
        _writer?.Dispose();
        _writer = null;
        if (_upload is { } upload)
        {
            _upload = null;
            await upload.DisposeAsync().ConfigureAwait(false);
        }
    }
}
