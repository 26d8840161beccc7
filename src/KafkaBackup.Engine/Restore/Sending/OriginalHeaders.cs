using System.Buffers.Text;
using KafkaBackup.Engine.Records;
using KafkaBackup.Engine.Rules;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// The headers that tell where a restored record came from: <c>x-original-offset</c> and <c>x-original-timestamp</c>, as decimal text
/// (rule E1). Its memory is used again for each record: the writer copies.
/// </summary>
internal sealed unsafe class OriginalHeaders
{
    private const string OffsetName = HeaderNames.OriginalOffset;
    private const string TimestampName = HeaderNames.OriginalTimestamp;

    private const int NumberLength = 20;

    private static readonly byte[] Names = PinnedNames();

    private readonly byte[] _numbers = GC.AllocateUninitializedArray<byte>(2 * NumberLength, pinned: true);
    private readonly HeaderSlice[] _slices = new HeaderSlice[2];

    public ReadOnlySpan<HeaderSlice> For(long offset, long timestamp)
    {
        Utf8Formatter.TryFormat(offset, _numbers.AsSpan(0, NumberLength), out var offsetLength);
        Utf8Formatter.TryFormat(timestamp, _numbers.AsSpan(NumberLength), out var timestampLength);
        fixed (
            byte* names = Names,
                numbers = _numbers
        )
        {
            // Both arrays are pinned for their whole life: the addresses outlive this block.
            _slices[0] = new HeaderSlice(names, OffsetName.Length, numbers, offsetLength);
            _slices[1] = new HeaderSlice(names + OffsetName.Length, TimestampName.Length, numbers + NumberLength, timestampLength);
        }

        return _slices;
    }

    private static byte[] PinnedNames()
    {
        var names = GC.AllocateUninitializedArray<byte>(OffsetName.Length + TimestampName.Length, pinned: true);
        System.Text.Encoding.ASCII.GetBytes(OffsetName + TimestampName, names);
        return names;
    }
}
