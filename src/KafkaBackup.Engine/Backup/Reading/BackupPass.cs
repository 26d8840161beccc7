using System.Collections.Concurrent;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Pacing;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Reads a list of partitions into segments, once. The data goes one way: the pump takes batches from the cluster, a reading decides which
/// of a batch's offsets count and fills blocks, workers walk and compress them side by side, and a line a partition writes them in order
/// into segments and tells the draft of the manifest. Back-pressure is the pool of block buffers. One reader thread, and commits at least
/// every interval while it goes on.
/// </summary>
/// <param name="announced">Nothing is stored before it has completed.</param>
internal sealed class BackupPass(RunScope run, Committer committer, RateLimiter limiter, Task announced)
{
    /// <summary>
    /// Memory for blocks being compressed and written, besides one being filled per partition: keeps the cores and a store busy.
    /// </summary>
    private const int SpareBlocks = 16;

    /// <summary>The same where the store holds what it is about to send: a second line before it would only be memory.</summary>
    private const int SpareBlocksBeforeHoldingStore = 8;

    /// <summary>However many partitions are read at a time: then they share, and hand blocks on before they are full.</summary>
    private const long MostBlockBytes = 96L << 20;

    /// <summary>What the reader may hold back for us.</summary>
    private const long QueuedBytes = 8L << 20;

    private const int FetchBytes = 4 << 20;

    private const int FetchBytesBeforeHoldingStore = 2 << 20;

    public async Task<IReadOnlyList<PartitionOutcome>> RunAsync(IReadOnlyList<PartitionWork> works, CancellationToken stop)
    {
        var readable = works.Where(w => w is { Refused: null, HasNothingToRead: false }).ToArray();
        var outcomes = new ConcurrentDictionary<TopicPartition, PartitionOutcome>();
        if (readable.Length > 0)
        {
            await ReadAsync(readable, outcomes, stop).ConfigureAwait(false);
        }

        return works.Select(w => outcomes.GetValueOrDefault(w.Id) ?? WithoutReading(w)).ToArray();
    }

    private async Task ReadAsync(
        PartitionWork[] readable,
        ConcurrentDictionary<TopicPartition, PartitionOutcome> outcomes,
        CancellationToken stop
    )
    {
        var options = run.Options;
        var width = Math.Max(1, Math.Min(options.MaxConcurrentPartitions, readable.Length));
        var holding = run.Store.Capabilities.HoldsUploads;
        var blocks = width + (holding ? SpareBlocksBeforeHoldingStore : SpareBlocks);
        using var pool = new BlockBufferPool(
            Math.Min(MostBlockBytes, blocks * (long)(BlockBufferPool.StandardBlock + BlockBufferPool.SmallBlock))
        );
        using var workers = new CompressionWorkers(options.Compression, options.CompressionLevel);
        using var abort = CancellationTokenSource.CreateLinkedTokenSource(committer.Lost);
        using var halt = CancellationTokenSource.CreateLinkedTokenSource(stop, abort.Token);
        using var probe = new BatchProbe();
        using var headers = options.IncludeOffsetHeaders ? new OffsetHeaders() : null;
        using var pump = new BatchPump(
            run,
            new ReaderOptions(options.IsolationLevel, QueuedBytes, FetchBytes: holding ? FetchBytesBeforeHoldingStore : FetchBytes),
            width,
            new PacedPolling(limiter, options.RecordsPerSecond, options.BytesPerSecond, run.Clock)
        );
        var progress = new RunProgress(run, readable);
        var settling = new ConcurrentBag<Task>();
        var scope = new ReadingScope(
            pool,
            probe,
            options.SegmentMaxBytes,
            options.SegmentMaxRecords,
            headers,
            () => HandOn(pump.UnderWay),
            abort.Token
        );

        PartitionReading Begin(PartitionWork work)
        {
            run.Events.Verbose($"Reading {work.Id} from offset {work.ReadFrom} to {work.StoreTo}.");

            // The store is the same for all: what one partition cannot write, none can.
            var line = new SegmentPipeline(work.Id, run, announced, workers, progress, _ => abort.Cancel(), abort.Token);
            return new PartitionReading(work, line, scope);
        }

        void End(PartitionReading reading)
        {
            reading.CloseSegment();
            if (reading.ReachedEnd && reading.Failure is null)
            {
                reading.Line.Complete(reading.Work.StoreTo);
            }

            progress.Finish(reading);
            settling.Add(SettleAsync(reading, outcomes));
        }

        void Read()
        {
            var waiting = new Queue<PartitionWork>(readable);
            try
            {
                while (!halt.IsCancellationRequested)
                {
                    while (pump.HasRoom && waiting.TryDequeue(out var work))
                    {
                        pump.Add(Begin(work));
                    }

                    if (pump.IsEmpty)
                    {
                        break;
                    }

                    pump.Poll(halt.Token).ForEach(End);
                    CommitWhenDue(pump.UnderWay);
                    progress.Show(pump.UnderWay);
                }
            }
            finally
            {
                pump.Stop().ForEach(End);
            }
        }

        try
        {
            await Task
                .Factory.StartNew(Read, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
                .ConfigureAwait(false);
        }
        finally
        {
            await Task.WhenAll(settling).ConfigureAwait(false);
            progress.Show([], now: true);
        }
    }

    private static void HandOn(IEnumerable<PartitionReading> readings)
    {
        foreach (var reading in readings)
        {
            reading.HandOn(mayBeLast: true);
        }
    }

    private void CommitWhenDue(IEnumerable<PartitionReading> underWay)
    {
        if (committer.IsDue)
        {
            var readings = underWay.ToArray();
            Array.ForEach(readings, r => r.CloseSegment());
            committer.CommitInBackground(Task.WhenAll(readings.Select(r => r.Line.Drained)));
        }
    }

    private async Task SettleAsync(PartitionReading reading, ConcurrentDictionary<TopicPartition, PartitionOutcome> outcomes)
    {
        await reading.Line.DisposeAsync().ConfigureAwait(false);
        reading.Dispose();
        var line = reading.Line;
        var error = line.Failure ?? line.Damage ?? reading.Failure;
        var status =
            error is not null ? PartitionStatus.Failed
            : reading.ReachedEnd ? PartitionStatus.Complete
            : PartitionStatus.Stopped;
        outcomes[reading.Work.Id] = new PartitionOutcome(reading.Work, status, run.Draft.Partition(reading.Work.Id).NextOffset)
        {
            Records = line.Records,
            Bytes = line.Bytes,
            StoredBytes = line.StoredBytes,
            Segments = line.Segments,
            LateRecords = reading.LateRecords,
            Timestamps = line.Timestamps,
            Error = error,
            StoreFailed = line.Failure is not null,
        };
    }

    private PartitionOutcome WithoutReading(PartitionWork work)
    {
        if (work.Refused is not null)
        {
            return new PartitionOutcome(work, PartitionStatus.Failed, work.ReadFrom) { Error = work.Refused };
        }

        if (!work.HasNothingToRead)
        {
            return new PartitionOutcome(work, PartitionStatus.Stopped, work.ReadFrom);
        }

        run.Draft.Complete(work.Id, work.StoreTo);
        return new PartitionOutcome(work, PartitionStatus.Complete, work.StoreTo);
    }
}
