using System.Buffers;

namespace KafkaBackup.Engine.Batches;

/// <summary>What a record holds besides offset and timestamp. A view: it lives as long as the bytes that it shows.</summary>
public readonly ref struct RecordFields
{
    public ReadOnlySpan<byte> Key { get; init; }

    public bool KeyIsNull { get; init; }

    public ReadOnlySpan<byte> Value { get; init; }

    public bool ValueIsNull { get; init; }

    public int HeaderCount { get; init; }

    /// <summary>The headers as they stand in a record, behind their count; <see cref="AppendHeader"/> writes more of them.</summary>
    public ReadOnlySpan<byte> RawHeaders { get; init; }

    /// <summary>Writes one header in the form that <see cref="RawHeaders"/> has.</summary>
    public static void AppendHeader(IBufferWriter<byte> target, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, bool valueIsNull = false)
    {
        var span = target.GetSpan((2 * KafkaVarint.MaxLength) + name.Length + value.Length);
        var place = KafkaVarint.Write(span, name.Length);
        name.CopyTo(span[place..]);
        place += name.Length;
        place += KafkaVarint.Write(span[place..], valueIsNull ? -1 : value.Length);
        value.CopyTo(span[place..]);
        target.Advance(place + value.Length);
    }
}
