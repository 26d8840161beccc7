using System.Buffers.Binary;
using KafkaBackup.Engine.Batches;

namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>
/// The batches of a block of version 2, to be walked with <c>foreach</c>; none in a block of version 1. They are valid as long as the
/// block is.
/// </summary>
public readonly struct BlockBatches
{
    private readonly RecordBlock _block;

    internal BlockBatches(RecordBlock block) => _block = block;

    public BatchSequence GetEnumerator() => new(_block);

    /// <summary>The batch at the beginning of these bytes.</summary>
    /// <exception cref="BatchDamagedException">There is none.</exception>
    internal static RecordBatch Next(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length < RecordBatch.HeaderLength)
        {
            throw new BatchDamagedException($"{bytes.Length:N0} bytes are fewer than a batch header has", 0);
        }

        var length = RecordBatch.PrefixLength + (long)BinaryPrimitives.ReadInt32BigEndian(bytes.Span[8..]);
        return length < RecordBatch.HeaderLength || length > bytes.Length
            ? throw new BatchDamagedException($"it claims {length:N0} bytes, and {bytes.Length:N0} are left", 8)
            : RecordBatch.Open(bytes[..(int)length]);
    }
}

/// <summary>
/// Walks a block's batches without decoding them. Headers and offsets are checked, and at the end that the batches amount to what the block
/// header says, as far as that shows without their records. Damage is a SegmentDamagedException.
/// </summary>
public struct BatchSequence
{
    private readonly RecordBlock _block;
    private readonly ReadOnlyMemory<byte> _content;
    private int _place;
    private long _nextOffset;
    private long _records;
    private bool _allWhole = true;

    internal BatchSequence(RecordBlock block)
    {
        _block = block;
        _content = block.Info.HoldsBatches ? block.ContentMemory : default;
    }

    /// <summary>
    /// IsWhole: no offset of the batch is outside of the block's window, so that all its records count. Its checksum is not checked.
    /// </summary>
    public (RecordBatch Batch, bool IsWhole) Current { get; private set; }

    public bool MoveNext()
    {
        if (_place == _content.Length)
        {
            return End();
        }

        var window = _block.Info.Stats;
        try
        {
            var batch = BlockBatches.Next(_content[_place..]);
            RecordRules.CheckHeader(batch);
            if (
                batch.IsControl
                || batch.RecordCount == 0
                || batch.BaseOffset < _nextOffset
                || batch.LastOffset < window.FirstOffset
                || batch.BaseOffset > window.LastOffset
                || (_content.Length > BlockBufferPool.StandardBlock && batch.Length < _content.Length)
            )
            {
                throw new BatchDamagedException("it is none that a writer puts there", 0);
            }

            var isWhole = batch.BaseOffset >= window.FirstOffset && batch.LastOffset <= window.LastOffset;
            Current = (batch, isWhole);
            _place += batch.Length;
            _nextOffset = batch.NextOffset;
            _records += batch.RecordCount;
            _allWhole &= isWhole;
            return true;
        }
        catch (BatchDamagedException damaged)
        {
            throw _block.Damaged($"its batch at byte {_place} of its content is damaged: {damaged.Reason}");
        }
    }

    private readonly bool End()
    {
        var expected = _block.Info.Stats.RecordCount;
        return _content.Length == 0 || (_allWhole ? _records == expected : _records >= expected)
            ? false
            : throw _block.Damaged("its batches are not those that its header describes");
    }
}
