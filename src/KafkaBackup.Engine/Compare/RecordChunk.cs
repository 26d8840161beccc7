using System.Buffers;

namespace KafkaBackup.Engine.Compare;

/// <summary>One record of a chunk.</summary>
/// <param name="Order">What it is aligned by: its offset or its original offset; negative where it has none.</param>
/// <param name="Start">Where its compared form begins in the chunk's bytes.</param>
internal readonly record struct RecordEntry(long Offset, long Order, int Start, int Length);

/// <summary>
/// Some hundred records in their compared form, one behind the other. Used again and again, so that comparing allocates nothing per record.
/// </summary>
internal sealed class RecordChunk : IDisposable
{
    private const int Capacity = 256 << 10;
    private const int MostRecords = 4096;

    private readonly RecordEntry[] _entries = ArrayPool<RecordEntry>.Shared.Rent(MostRecords);
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(Capacity);
    private int _used;

    public int Count { get; private set; }

    public ref readonly RecordEntry this[int index] => ref _entries[index];

    public ReadOnlySpan<byte> Form(in RecordEntry entry) => _bytes.AsSpan(entry.Start, entry.Length);

    /// <summary>The forms of neighbouring records, which lie together.</summary>
    public ReadOnlySpan<byte> Forms(int first, int count) =>
        count == 0
            ? default
            : _bytes.AsSpan(
                _entries[first].Start,
                _entries[first + count - 1].Start + _entries[first + count - 1].Length - _entries[first].Start
            );

    /// <summary>Whether a record of that size still fits; into an empty chunk any does.</summary>
    public bool HasRoom(int size) => Count == 0 || (Count < MostRecords && _used + size <= _bytes.Length);

    public Span<byte> Room(int size)
    {
        if (_used + size > _bytes.Length)
        {
            // A giant: the chunk holds nothing else.
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = ArrayPool<byte>.Shared.Rent(size);
        }

        return _bytes.AsSpan(_used);
    }

    public void Add(long offset, long order, int length)
    {
        _entries[Count++] = new RecordEntry(offset, order, _used, length);
        _used += length;
    }

    public void Clear()
    {
        (Count, _used) = (0, 0);
        if (_bytes.Length > 2 * Capacity)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = ArrayPool<byte>.Shared.Rent(Capacity);
        }
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        ArrayPool<RecordEntry>.Shared.Return(_entries);
    }
}
