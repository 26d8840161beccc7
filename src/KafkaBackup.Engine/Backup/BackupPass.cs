using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Pacing;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Reads a list of partitions into segments, once. One reader thread, compression side by side, segments written in order per partition, and
/// commits at least every interval while it goes on.
/// </summary>
internal sealed class BackupPass(RunScope run, Committer committer, RateLimiter limiter)
{
    /// <summary>Memory for blocks being filled, compressed and written: enough to keep two cores and a store busy, well under the promise.</summary>
    private const int SpareBlocks = 24;

    /// <summary>What the client library may hold back for us.</summary>
    private const long QueuedBytes = 48L << 20;

    public async Task<IReadOnlyList<PartitionOutcome>> RunAsync(IReadOnlyList<PartitionWork> works, CancellationToken stop)
    {
        var options = run.Options;
        var readable = works.Where(w => w is { Refused: null, HasNothingToRead: false }).ToArray();
        var width = Math.Max(1, Math.Min(options.MaxConcurrentPartitions, readable.Length));
        using var pool = new BlockBufferPool((width + SpareBlocks) * (long)(BlockBufferPool.StandardBlock + (64 << 10)));
        using var workers = new CompressionWorkers(options.Compression, options.CompressionLevel);
        using var abort = CancellationTokenSource.CreateLinkedTokenSource(committer.Lost);
        using var halt = CancellationTokenSource.CreateLinkedTokenSource(stop, abort.Token);

        var progress = new RunProgress(run.Events, run.Clock, readable.Sum(w => Math.Max(0, w.StoreTo - w.ReadFrom)));
        Array.ForEach(readable, progress.Expect);
        var ended = new List<PartitionReading>(readable.Length);

        PartitionReading Begin(PartitionWork work)
        {
            run.Events.Verbose($"Reading {work.Id} from offset {work.ReadFrom} to {work.StoreTo}.");
            var line = new SegmentLine(work.Id, run, workers, abort.Token);
            return new PartitionReading(work, line, pool, options.SegmentMaxBytes, options.SegmentMaxRecords, halt.Token);
        }

        void Ended(PartitionReading reading)
        {
            reading.CloseSegment();
            if (reading.ReachedEnd && reading.Failure is null)
            {
                reading.Line.Complete(reading.Work.StoreTo);
            }

            progress.Finish(reading);
            ended.Add(reading);
            if (reading.Line.Failure is not null)
            {
                // The store is the same for all: what one partition cannot write, none can.
                abort.Cancel();
            }
        }

        void Between(IEnumerable<PartitionReading> underWay)
        {
            if (committer.IsDue)
            {
                foreach (var reading in underWay)
                {
                    reading.CloseSegment();
                }

                committer.CommitInBackground();
            }

            progress.Show(underWay);
        }

        if (readable.Length > 0)
        {
            var pump = new RecordPump(run.Cluster, new ReaderOptions(options.IsolationLevel, QueuedBytes), width, limiter, run.Clock, run.Events);
            var waiting = new Queue<PartitionWork>(readable);
            await Task.Factory.StartNew(
                () => pump.Run(waiting, Begin, Ended, Between, halt.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
        }

        foreach (var reading in ended)
        {
            await reading.Line.DisposeAsync().ConfigureAwait(false);
            reading.Dispose();
        }

        progress.Show([], now: true);
        return Outcomes(works, ended.ToDictionary(r => r.Work.Id));
    }

    private List<PartitionOutcome> Outcomes(IReadOnlyList<PartitionWork> works, Dictionary<TopicPartition, PartitionReading> ended)
    {
        var outcomes = new List<PartitionOutcome>(works.Count);
        foreach (var work in works)
        {
            if (work.Refused is not null)
            {
                outcomes.Add(new PartitionOutcome(work, PartitionStatus.Failed, work.ReadFrom, 0, 0, 0, 0, 0, work.Refused));
            }
            else if (ended.TryGetValue(work.Id, out var reading))
            {
                var error = reading.Line.Failure ?? reading.Failure;
                var status = error is not null ? PartitionStatus.Failed : reading.ReachedEnd ? PartitionStatus.Complete : PartitionStatus.Stopped;
                outcomes.Add(new PartitionOutcome(
                    work, status, run.Draft.Partition(work.Id).NextOffset, reading.Records, reading.Bytes, reading.Line.StoredBytes, reading.Line.Segments,
                    reading.LateRecords, error));
            }
            else if (work.HasNothingToRead)
            {
                run.Draft.Complete(work.Id, work.StoreTo);
                outcomes.Add(new PartitionOutcome(work, PartitionStatus.Complete, work.StoreTo, 0, 0, 0, 0, 0, null));
            }
            else
            {
                outcomes.Add(new PartitionOutcome(work, PartitionStatus.Stopped, work.ReadFrom, 0, 0, 0, 0, 0, null));
            }
        }

        return outcomes;
    }
}
