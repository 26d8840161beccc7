using KafkaBackup.Engine.Batches;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// How far the records field of an answer goes, by the batches' headers alone: the next fetch can be sent before anybody has looked at the
/// records.
/// </summary>
/// <param name="Next">The offset behind the last whole batch.</param>
/// <param name="LastEpoch">The leader epoch of the last whole batch; -1 for none.</param>
/// <param name="IsCutOff">Nothing is whole: the first batch is larger than what was asked for.</param>
/// <param name="IsDamaged">It cannot be cut into batches; whoever hands them out finds the place.</param>
internal readonly record struct RecordsScan(long Next, int LastEpoch, bool IsCutOff, bool IsDamaged)
{
    public static RecordsScan Of(ReadOnlyMemory<byte> records, long from, int lastEpoch)
    {
        var frames = new BatchFrames(records);
        var next = from;
        var any = false;
        try
        {
            while (true)
            {
                var isLegacy = frames.IsLegacy;
                if (!frames.TryNext(out var entry))
                {
                    return new RecordsScan(next, lastEpoch, !any && frames.CutOff > 0, false);
                }

                any = true;
                if (isLegacy)
                {
                    // A message's own offset, or that of the last one in a wrapper.
                    next = Math.Max(next, System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(entry.Span) + 1);
                    lastEpoch = -1;
                }
                else
                {
                    var batch = RecordBatch.Open(entry);
                    RecordRules.CheckHeader(batch);
                    next = Math.Max(next, batch.NextOffset);
                    lastEpoch = batch.LeaderEpoch;
                }
            }
        }
        catch (BatchDamagedException)
        {
            return new RecordsScan(next, lastEpoch, false, true);
        }
    }
}
