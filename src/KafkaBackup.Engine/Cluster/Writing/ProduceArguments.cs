using System.Runtime.InteropServices;
using KafkaBackup.Engine.Cluster.Native;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Cluster;

/// <summary>The argument list of a produce call, filled anew for each record. The library copies what it points to.</summary>
internal sealed unsafe class ProduceArguments : IDisposable
{
    private const int Topic = 0;
    private const int Partition = 1;
    private const int Flags = 2;
    private const int Timestamp = 3;
    private const int Tag = 4;
    private const int Key = 5;
    private const int Value = 6;
    private const int Headers = 7;
    private const int Count = 8;

    private readonly ProduceArgument* _arguments = (ProduceArgument*)NativeMemory.AllocZeroed(Count, (nuint)sizeof(ProduceArgument));

    /// <summary>Something to point at for what is empty: a null pointer would turn empty into null.</summary>
    private readonly byte* _empty = (byte*)NativeMemory.AllocZeroed(1);

    public ProduceArguments()
    {
        _arguments[Topic].Kind = ProduceArgumentKind.Topic;
        _arguments[Partition].Kind = ProduceArgumentKind.Partition;
        _arguments[Flags] = new ProduceArgument { Kind = ProduceArgumentKind.Flags, Int32 = LibRdKafka.MessageCopy };
        _arguments[Timestamp].Kind = ProduceArgumentKind.Timestamp;
        _arguments[Tag].Kind = ProduceArgumentKind.Opaque;
        _arguments[Key].Kind = ProduceArgumentKind.Key;
        _arguments[Value].Kind = ProduceArgumentKind.Value;
        _arguments[Headers].Kind = ProduceArgumentKind.Headers;
    }

    /// <summary>Null when the record was queued; else the library's error, to be taken.</summary>
    public nint Produce(nint client, nint topic, int partition, in RecordView record, ReadOnlySpan<HeaderSlice> extraHeaders, long tag)
    {
        _arguments[Topic].Handle = topic;
        _arguments[Partition].Int32 = partition;
        _arguments[Timestamp].Int64 = record.Timestamp;
        _arguments[Tag].Handle = (nint)tag;
        var headers = MakeHeaders(record.Headers, extraHeaders);
        _arguments[Headers].Handle = headers;
        fixed (
            byte* key = record.Key,
                value = record.Value
        )
        {
            Point(Key, key, record.Key.Length, record.KeyIsNull);
            Point(Value, value, record.Value.Length, record.ValueIsNull);
            var error = LibRdKafka.rd_kafka_produceva(client, _arguments, (nuint)(headers == 0 ? Headers : Count));
            if (error != 0 && headers != 0)
            {
                LibRdKafka.rd_kafka_headers_destroy(headers);
            }

            return error;
        }
    }

    public void Dispose()
    {
        NativeMemory.Free(_arguments);
        NativeMemory.Free(_empty);
    }

    private void Point(int index, byte* bytes, int length, bool isNull)
    {
        _arguments[index].Pointer =
            isNull ? null
            : length == 0 ? _empty
            : bytes;
        _arguments[index].Length = isNull ? 0 : (nuint)length;
    }

    private nint MakeHeaders(ReadOnlySpan<HeaderSlice> own, ReadOnlySpan<HeaderSlice> extra)
    {
        if (own.Length + extra.Length == 0)
        {
            return 0;
        }

        var headers = LibRdKafka.rd_kafka_headers_new((nuint)(own.Length + extra.Length));
        Add(headers, own);
        Add(headers, extra);
        return headers;
    }

    private void Add(nint headers, ReadOnlySpan<HeaderSlice> slices)
    {
        foreach (ref readonly var slice in slices)
        {
            var name = slice.NameLength == 0 ? _empty : slice.NamePointer;
            var value =
                slice.ValueIsNull ? null
                : slice.ValueLength == 0 ? _empty
                : slice.ValuePointer;
            _ = LibRdKafka.rd_kafka_header_add(headers, name, slice.NameLength, value, Math.Max(0, slice.ValueLength));
        }
    }
}
