using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>A batch of a block, and whether it is sent as it is.</summary>
internal readonly record struct PlannedBatch(RecordBatch Batch, bool Keep);

/// <summary>
/// Which batches of a block are sent as they are (rule L5): those that no step changes and that the target takes. Runs of small ones are
/// rebuilt into larger ones, since each batch costs a request.
/// </summary>
/// <param name="largest">The largest batch that is sent as it is; 0 for none.</param>
internal sealed class KeptBatches(RestoreScope scope, IRecordWriter writer, int largest)
{
    private const int Small = 16 * 1024;

    /// <summary>Codec and the transactional bit, which the sender writes itself. Stamps of a broker, and marks of compaction, are refused
    /// by brokers or change what the records mean.</summary>
    private const int PlainAttributes = 0x07 | 0x10;

    private readonly List<PlannedBatch> _batches = [];

    /// <summary>Valid until the next call, and as long as the block is. Empty for a block without batches.</summary>
    public IReadOnlyList<PlannedBatch> Of(StreamBlock block)
    {
        var mayKeep = largest > 0 && block.TakesAll && !scope.Options.IncludeOriginalOffsetHeader;
        _batches.Clear();
        foreach (var (batch, isWhole) in block.Block.Batches)
        {
            _batches.Add(new PlannedBatch(batch, mayKeep && isWhole && IsAcceptable(batch)));
        }

        var before = false;
        for (var i = 0; mayKeep && i < _batches.Count; i++)
        {
            var follows = i + 1 < _batches.Count && AreSmall(_batches[i].Batch, _batches[i + 1].Batch);
            if (before || follows)
            {
                _batches[i] = _batches[i] with { Keep = false };
            }

            before = follows;
        }

        return _batches;
    }

    private bool IsAcceptable(in RecordBatch batch) =>
        !batch.HasHoles
        && (batch.Attributes & ~PlainAttributes) == 0
        && batch.Length <= largest
        && batch.RecordCount <= (scope.Options.MostKeptRecords ?? int.MaxValue)
        && writer.Keeps(batch);

    private static bool AreSmall(in RecordBatch one, in RecordBatch other) =>
        one.Length < Small && other.Length < Small && one.Codec == other.Codec;
}
