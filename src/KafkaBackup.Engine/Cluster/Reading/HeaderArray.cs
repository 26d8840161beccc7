using System.Runtime.InteropServices;
using KafkaBackup.Engine.Cluster.Native;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// Reads a consumed message's headers into one reused array of slices. The library tells a name as a C string, so one with a NUL byte would
/// come out cut (rule B17); but it keeps the value right behind the name's terminator, so the distance between the two is the true length.
/// Whether this very library does so is tried once, before it is relied on; a header with a null value has no such distance.
/// </summary>
internal sealed unsafe class HeaderArray
{
    private const int LongestName = 1 << 24;

    private readonly bool _valuesFollowNames;
    private HeaderSlice[] _slices = new HeaderSlice[16];

    public HeaderArray() => _valuesFollowNames = TryLayout();

    public ReadOnlySpan<HeaderSlice> Read(NativeMessage* message)
    {
        nint headers;
        if (LibRdKafka.rd_kafka_message_headers(message, &headers) != 0)
        {
            return default;
        }

        var count = (int)LibRdKafka.rd_kafka_header_cnt(headers);
        if (count > _slices.Length)
        {
            Array.Resize(ref _slices, Math.Max(count, _slices.Length * 2));
        }

        for (var i = 0; i < count; i++)
        {
            _slices[i] = Slice(headers, i);
        }

        return _slices.AsSpan(0, count);
    }

    private HeaderSlice Slice(nint headers, int index)
    {
        byte* name,
            value;
        nuint size;
        _ = LibRdKafka.rd_kafka_header_get_all(headers, (nuint)index, &name, &value, &size);
        var nameLength = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name).Length;
        if (value is null)
        {
            return new HeaderSlice(name, nameLength, null, -1);
        }

        if (_valuesFollowNames)
        {
            var distance = value - name - 1;
            if (distance > nameLength && distance < LongestName && name[distance] == 0)
            {
                nameLength = (int)distance;
            }
        }

        return new HeaderSlice(name, nameLength, value, (int)size);
    }

    private static bool TryLayout()
    {
        ReadOnlySpan<byte> sample = "a\0b"u8;
        var headers = LibRdKafka.rd_kafka_headers_new(1);
        fixed (byte* bytes = sample)
        {
            _ = LibRdKafka.rd_kafka_header_add(headers, bytes, sample.Length, bytes, 1);
        }

        byte* name,
            value;
        nuint size;
        var found = LibRdKafka.rd_kafka_header_get_all(headers, 0, &name, &value, &size) == 0 && value == name + sample.Length + 1;
        LibRdKafka.rd_kafka_headers_destroy(headers);
        return found;
    }
}
