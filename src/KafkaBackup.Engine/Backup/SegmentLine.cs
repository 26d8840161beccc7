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
internal sealed class SegmentLine(TopicPartition id, RunScope run, CompressionWorkers workers, CancellationToken abort) : IAsyncDisposable
{
    private Task _tail = Task.CompletedTask;
    private SegmentWriter? _writer;
    private IStoreUpload? _upload;
    private string _key = "";
    private volatile KafkaBackupException? _failure;

    /// <summary>Why nothing more can be stored; blocks that come after are dropped.</summary>
    public KafkaBackupException? Failure => _failure;

    /// <summary>Bytes of finished segments.</summary>
    public long StoredBytes { get; private set; }

    public int Segments { get; private set; }

    /// <summary>Completes when all that was put in is stored or dropped; never fails.</summary>
    public Task Drained => _tail;

    /// <summary>Takes the block over. A closing block is its segment's last; the epoch is that of its last record.</summary>
    public void Add(RawBlock block, bool closes, int leaderEpoch) =>
        _tail = StoreAsync(_tail, workers.CompressAsync(block, closes), closes, leaderEpoch);

    public void AddGap(GapEntry gap) => Then(() => run.Draft.AddGap(id, gap));

    public void Complete(long nextOffset) => Then(() => run.Draft.Complete(id, nextOffset));

    /// <summary>Waits for what was put in, then drops a segment that is still open.</summary>
    public async ValueTask DisposeAsync()
    {
        await _tail.ConfigureAwait(false);
        await DropAsync().ConfigureAwait(false);
    }

    private void Then(Action say)
    {
        _tail = SayAsync(_tail);

        async Task SayAsync(Task before)
        {
            await before.ConfigureAwait(false);
            if (_failure is null)
            {
                say();
            }
        }
    }

    private async Task StoreAsync(Task before, Task<(CompressedBlock Block, string? LastDigest)> compressing, bool closes, int leaderEpoch)
    {
        await before.ConfigureAwait(false);
        try
        {
            var (block, digest) = await compressing.ConfigureAwait(false);
            using (block)
            {
                if (_failure is not null)
                {
                    return;
                }

                await AppendAsync(block).ConfigureAwait(false);
            }

            if (closes)
            {
                await FinishAsync(leaderEpoch, digest!).ConfigureAwait(false);
            }
        }
        catch (KafkaBackupException error)
        {
            await FailAsync(error).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await FailAsync(ErrorIds.Stopped.With($"Storing {id} was given up.", id.ToString())).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            await FailAsync(ErrorIds.Unexpected.With($"Storing {id} failed: {error.Message}", id.ToString(), inner: error)).ConfigureAwait(false);
        }
    }

    private async Task AppendAsync(CompressedBlock block)
    {
        if (_writer is null)
        {
            _key = BackupKeys.NewSegment(id.Topic, id.Partition, block.Info.Stats.FirstOffset);
            _upload = await run.Store.CreateAsync(BackupKeys.Of(run.Session.BackupId, _key), abort).ConfigureAwait(false);
            _writer = new SegmentWriter(new SegmentHeader(run.Session.BackupId, id.Topic, id.Partition, run.RunId, run.Options.Compression, run.Clock.GetUtcNow()));
            await _upload.WriteAsync(_writer.Start(), abort).ConfigureAwait(false);
        }

        await _upload!.WriteAsync(_writer.AppendBlock(block), abort).ConfigureAwait(false);
    }

    private async Task FinishAsync(int leaderEpoch, string digest)
    {
        await _upload!.WriteAsync(_writer!.Finish(out var summary), abort).ConfigureAwait(false);
        await _upload.CommitAsync(abort).ConfigureAwait(false);
        run.Draft.Add(id, summary.ToEntry(_key, run.RunId), summary.Stats.LastOffset + 1, new LastRecord(summary.Stats.LastOffset, leaderEpoch, digest));
        StoredBytes += summary.StoredBytes;
        Segments++;
        await DropAsync().ConfigureAwait(false);
    }

    private async ValueTask FailAsync(KafkaBackupException error)
    {
        _failure ??= error;
        await DropAsync().ConfigureAwait(false);
    }

    private async ValueTask DropAsync()
    {
        _writer?.Dispose();
        _writer = null;
        if (_upload is { } upload)
        {
            _upload = null;
            await upload.DisposeAsync().ConfigureAwait(false);
        }
    }
}
