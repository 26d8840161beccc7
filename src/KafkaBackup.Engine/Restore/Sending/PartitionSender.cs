using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Sends one target partition's records in order: batches that may stay as they are whole, the records of all others one by one.
/// </summary>
internal sealed class PartitionSender(
    RestoreScope scope,
    PartitionProgress progress,
    IRecordWriter writer,
    BatchSizing sizing,
    Acknowledgements reports
)
{
    private const int Slot = WriterPool.LentWriter.Slot;

    private readonly OriginalHeaders _originals = new();
    private readonly KeptBatches _kept = new(scope, writer, sizing.IsSingle(progress.Done) || sizing.WithoutCodec ? 0 : sizing.KeptBytes);

    public Acknowledgements Reports => reports;

    /// <summary>The number of the next record to send.</summary>
    public long Next { get; private set; } = progress.Done;

    /// <summary>
    /// Sends all records of the block from the index on and up to the limit (exclusive). False when a fault or a stop came between.
    /// </summary>
    public bool Send(StreamBlock block, long limit, CancellationToken stop)
    {
        var source = SourceIndex(block.Source);
        var batches = _kept.Of(block);
        return CanStayWhole(block, batches, limit)
            ? SendBatches(block, batches, source, stop)
            : SendRecords(block, batches, source, limit, stop);
    }

    /// <summary>No record of the block has to be looked at.</summary>
    private static bool CanStayWhole(StreamBlock block, IReadOnlyList<PlannedBatch> batches, long limit) =>
        batches.Count > 0
        && block.Skip == 0
        && block.FirstIndex + block.Block.Info.Stats.RecordCount <= limit
        && batches.All(batch => batch.Keep);

    private bool SendBatches(StreamBlock block, IReadOnlyList<PlannedBatch> batches, int source, CancellationToken stop)
    {
        var (records, bytes) = (block.Block.Info.Stats.RecordCount, block.Block.Info.Stats.PayloadBytes);
        foreach (var (batch, _) in batches)
        {
            if (reports.Fault is not null || stop.IsCancellationRequested)
            {
                return false;
            }

            // What one batch's records take is not known without decoding it; what all of the block's take is.
            var share = batch.RecordCount == records ? bytes : (long)((double)bytes * batch.RecordCount / records);
            (records, bytes) = (records - batch.RecordCount, bytes - share);
            if (!SendWhole(batch, source, Next, share, stop))
            {
                return false;
            }
        }

        return reports.Fault is null;
    }

    private bool SendRecords(StreamBlock block, IReadOnlyList<PlannedBatch> batches, int source, long limit, CancellationToken stop)
    {
        if (batches.Count == 0)
        {
            writer.Compress(Slot, BatchCodec.None);
        }

        var (skip, index, number) = (block.Skip, block.FirstIndex, -1);
        var (isNew, isWhole, payload) = (false, false, 0L);
        foreach (var record in block.Block)
        {
            while (batches.Count > 0 && (number < 0 || record.Offset > batches[number].Batch.LastOffset))
            {
                (number, isNew, isWhole) = (number + 1, true, false);
            }

            if (!block.Takes(record))
            {
                continue;
            }

            if (skip > 0)
            {
                skip--;
                index++;
                continue;
            }

            if (index >= limit || reports.Fault is not null || stop.IsCancellationRequested)
            {
                return index >= limit && reports.Fault is null;
            }

            if (isNew && batches[number] is { Keep: true } planned && StandsWhole(planned.Batch, record.Offset, index, limit))
            {
                (isWhole, payload) = (true, 0);
            }

            if (isWhole)
            {
                var batch = batches[number].Batch;
                (isNew, payload, index) = (false, payload + record.PayloadBytes, index + 1);
                if (record.Offset == batch.LastOffset && !SendWhole(batch, source, index - batch.RecordCount, payload, stop))
                {
                    return false;
                }

                continue;
            }

            if (isNew)
            {
                writer.Compress(Slot, sizing.WithoutCodec ? BatchCodec.None : batches[number].Batch.Codec);
            }

            if (!SendRecord(record, source, index, isNew ? BatchFate.Rebuilt : BatchFate.None, stop))
            {
                return false;
            }

            (isNew, index) = (false, index + 1);
        }

        return reports.Fault is null;
    }

    private static bool StandsWhole(in RecordBatch batch, long offset, long index, long limit) =>
        offset == batch.BaseOffset && index + batch.RecordCount <= limit;

    private bool SendRecord(in Records.RecordView record, int source, long index, BatchFate fate, CancellationToken stop)
    {
        var extra = scope.Options.IncludeOriginalOffsetHeader ? _originals.For(record.Offset, record.Timestamp) : default;
        var bytes = record.PayloadBytes;
        try
        {
            while (!reports.HasRoom(bytes) || writer.Send(Slot, record, extra, index) == SendOutcome.QueueFull)
            {
                if (!reports.GoOnWaiting(stop))
                {
                    return false;
                }
            }
        }
        catch (KafkaBackupException error)
        {
            reports.Refuse(error, index, 1, record.Offset, stop);
            return false;
        }

        return Sent(new SentRecords(index, 1, source, record.Offset, bytes, fate), bytes, stop);
    }

    private bool SendWhole(in RecordBatch batch, int source, long index, long payload, CancellationToken stop)
    {
        try
        {
            while (!reports.HasRoom(batch.Length) || writer.SendBatch(Slot, batch, index) == SendOutcome.QueueFull)
            {
                if (!reports.GoOnWaiting(stop))
                {
                    return false;
                }
            }
        }
        catch (KafkaBackupException error)
        {
            reports.Refuse(error, index, batch.RecordCount, batch.BaseOffset, stop);
            return false;
        }

        return Sent(new SentRecords(index, batch.RecordCount, source, batch.BaseOffset, payload, BatchFate.Kept), batch.Length, stop);
    }

    private bool Sent(in SentRecords sent, long weight, CancellationToken stop)
    {
        Next = sent.Index + sent.Count;
        return reports.Add(sent, weight, stop);
    }

    private int SourceIndex(SourceWork source)
    {
        for (var i = 0; i < progress.Work.Sources.Count; i++)
        {
            if (ReferenceEquals(progress.Work.Sources[i], source))
            {
                return i;
            }
        }

        throw new InvalidOperationException($"{source.Source} does not go into {progress.Work.Target}.");
    }
}
