using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Compression;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Makes one segment of many small neighbours (rule B10): after the passes of a continuous run, and at the end of any run, for a nightly
/// task on a quiet topic leaves as many tiny segments in a year as a continuous one in a day. Batches are kept as they are, in full blocks;
/// records of version 1 become batches, so that both versions may be neighbours (rule L8). The inputs stay until no kept head names them,
/// which the session sees to. Nothing here fails a run: what cannot be merged stays as it is.
/// </summary>
internal sealed class SegmentMerger(RunScope run)
{
    /// <summary>Partitions at a time: small segments are round trips rather than bytes.</summary>
    private const int PartitionsAtOnce = 4;

    /// <summary>One set for reading, one for writing: the largest record has room in each, and neither waits for the other.</summary>
    private const long PoolBytes = 4L << 20;

    private const int ReadAhead = 1 << 20;

    public bool HasWork => run.Draft.Partitions().Any(p => Plan(p.Entry).Count > 0);

    /// <summary>Returns how many segments were merged away.</summary>
    public async Task<int> MergeAsync(CancellationToken stop)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop, run.Session.LockLost);
        var merged = 0;
        var options = new ParallelOptions { MaxDegreeOfParallelism = PartitionsAtOnce, CancellationToken = ending.Token };
        try
        {
            await Parallel
                .ForEachAsync(
                    run.Draft.Partitions(),
                    options,
                    async (partition, cancel) =>
                    {
                        foreach (var inputs in Plan(partition.Entry))
                        {
                            if (await TryMergeAsync(partition.Id, inputs, cancel).ConfigureAwait(false))
                            {
                                Interlocked.Add(ref merged, inputs.Count);
                            }
                        }
                    }
                )
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            run.Events.Verbose("Merging small segments was given up; the next run goes on with it.");
        }

        return merged;
    }

    private IReadOnlyList<IReadOnlyList<SegmentEntry>> Plan(PartitionEntry partition) =>
        MergePlan.For(partition, run.Options.SegmentMaxBytes, run.Options.SegmentMaxRecords ?? long.MaxValue);

    private async Task<bool> TryMergeAsync(TopicPartition id, IReadOnlyList<SegmentEntry> inputs, CancellationToken cancel)
    {
        try
        {
            var merged = await MergeAsync(id, inputs, cancel).ConfigureAwait(false);
            if (!run.Draft.Replace(id, inputs, merged))
            {
                return false;
            }

            run.Events.Verbose(
                $"{id}: {inputs.Count} segments from offset {merged.FirstOffset} to {merged.LastOffset} were merged into one."
            );
            return true;
        }
        catch (SegmentDamagedException error)
        {
            run.Findings.Add(error.Damage.ToFinding());
        }
        catch (KafkaBackupException error)
        {
            run.Events.Verbose($"{id}: small segments were not merged: {error.Message}");
        }

        return false;
    }

    private async Task<SegmentEntry> MergeAsync(TopicPartition id, IReadOnlyList<SegmentEntry> inputs, CancellationToken cancel)
    {
        using var readPool = new BlockBufferPool(PoolBytes);
        using var writePool = new BlockBufferPool(PoolBytes);
        using var compressor = new BlockCompressor(run.Options.Compression, run.Options.CompressionLevel);
        using var batches = new MergedBatches(writePool);
        using var writer = new SegmentWriter(
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
        var key = BackupKeys.NewSegment(id.Topic, id.Partition, inputs[0].FirstOffset);
        var upload = await run.Store.CreateAsync(BackupKeys.Of(run.Session.BackupId, key), cancel).ConfigureAwait(false);
        await using (upload.ConfigureAwait(false))
        {
            await upload.WriteAsync(writer.Start(), cancel).ConfigureAwait(false);
            foreach (var input in inputs)
            {
                await CopyAsync(input, readPool, batches, () => SealAsync(batches, compressor, writer, upload, cancel), cancel)
                    .ConfigureAwait(false);
            }

            while (!batches.Flush())
            {
                await SealAsync(batches, compressor, writer, upload, cancel).ConfigureAwait(false);
            }

            await SealAsync(batches, compressor, writer, upload, cancel).ConfigureAwait(false);
            await upload.WriteAsync(writer.Finish(out var summary), cancel).ConfigureAwait(false);
            RequireSame(id, inputs, summary.Stats);
            await upload.CommitAsync(cancel).ConfigureAwait(false);
            return summary.ToEntry(key, run.RunId);
        }
    }

    private async Task CopyAsync(SegmentEntry input, BlockBufferPool pool, MergedBatches batches, Func<Task> seal, CancellationToken cancel)
    {
        var key = BackupKeys.Of(run.Session.BackupId, input.Key);
        using var reader = await SegmentReader
            .OpenAsync(
                key,
                (offset, buffer, c) => run.Store.ReadAsync(key, offset, buffer, c),
                input.StoredBytes,
                pool,
                ReadAhead,
                cancel,
                input.Sha256
            )
            .ConfigureAwait(false);
        for (var index = 0; index < reader.Blocks.Count; index++)
        {
            using var block = await reader.ReadBlockAsync(index, cancel).ConfigureAwait(false);
            var after = -1L;
            while (!batches.Add(block, ref after))
            {
                await seal().ConfigureAwait(false);
            }
        }
    }

    private static async Task SealAsync(
        MergedBatches batches,
        BlockCompressor compressor,
        SegmentWriter writer,
        IStoreUpload upload,
        CancellationToken cancel
    )
    {
        if (!batches.IsEmpty)
        {
            var raw = batches.Seal();
            if (compressor.Walk(raw) is { } fault)
            {
                raw.Dispose();
                throw ErrorIds.SegmentCorrupt.With($"The batch at offset {fault.Offset} is damaged: {fault.Problem}", writer.Header.Topic);
            }

            using var block = compressor.Compress(raw);
            await upload.WriteAsync(writer.AppendBlock(block), cancel).ConfigureAwait(false);
        }
    }

    /// <summary>The inputs are going to be removed: what replaces them must hold what they held.</summary>
    private static void RequireSame(TopicPartition id, IReadOnlyList<SegmentEntry> inputs, in BlockStats merged)
    {
        if (
            merged.RecordCount != inputs.Sum(i => i.RecordCount)
            || merged.PayloadBytes != inputs.Sum(i => i.Bytes)
            || merged.FirstOffset != inputs[0].FirstOffset
            || merged.LastOffset != inputs[^1].LastOffset
            || merged.MinTimestamp != inputs.Min(i => i.MinTimestamp)
            || merged.MaxTimestamp != inputs.Max(i => i.MaxTimestamp)
        )
        {
            throw ErrorIds.SegmentCorrupt.With(
                $"{id}: the segments from offset {inputs[0].FirstOffset} to {inputs[^1].LastOffset} do not hold what the manifest says.",
                id.ToString()
            );
        }
    }
}
