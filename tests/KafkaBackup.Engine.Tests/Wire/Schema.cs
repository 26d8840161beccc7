using System.Buffers.Binary;
using System.Text;

namespace KafkaBackup.Engine.Tests.Wire;

internal enum FieldKind
{
    Int8,
    Int16,
    Int32,
    Int64,
    Bool,
    Uuid,
    Text,
    NullableText,
    Bytes,
    NullableBytes,
    List,
    NullableList,
    Structure,
}

/// <summary>
/// One field of a message, as Kafka's own definitions state it. It is written apart from the client's code, and says nothing about objects
/// but a name, so that each can show the other's mistakes.
/// </summary>
/// <param name="Name">The property that the client keeps it in; "_" for what the client does not keep.</param>
/// <param name="Versions">"3+", "0-7", or empty for all.</param>
/// <param name="Tag">Of a tagged field; -1 for one that stands in line.</param>
internal sealed record Field(string Name, FieldKind Kind, string Versions, Field[] Inner, int Tag = -1, bool IsTime = false)
{
    public bool IsIn(short version)
    {
        if (Versions.Length == 0)
        {
            return true;
        }

        var parts = Versions.TrimEnd('+').Split('-');
        var from = short.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture);
        var to = Versions.EndsWith('+') ? short.MaxValue : short.Parse(parts[^1], System.Globalization.CultureInfo.InvariantCulture);
        return version >= from && version <= to;
    }
}

/// <summary>
/// Writes values of a schema as a broker would, and reads them back. Values are numbers, texts, bytes, lists and dictionaries by field
/// name.
/// </summary>
internal static class Schema
{
    public static Field Int8(string name, string versions = "") => new(name, FieldKind.Int8, versions, []);

    public static Field Int16(string name, string versions = "") => new(name, FieldKind.Int16, versions, []);

    public static Field Int32(string name, string versions = "") => new(name, FieldKind.Int32, versions, []);

    public static Field Int64(string name, string versions = "") => new(name, FieldKind.Int64, versions, []);

    public static Field Time(string name, string versions = "") => new(name, FieldKind.Int32, versions, [], IsTime: true);

    public static Field Bool(string name, string versions = "") => new(name, FieldKind.Bool, versions, []);

    public static Field Uuid(string name, string versions = "") => new(name, FieldKind.Uuid, versions, []);

    public static Field Text(string name, string versions = "") => new(name, FieldKind.Text, versions, []);

    public static Field NullableText(string name, string versions = "") => new(name, FieldKind.NullableText, versions, []);

    public static Field Bytes(string name, string versions = "") => new(name, FieldKind.Bytes, versions, []);

    public static Field NullableBytes(string name, string versions = "") => new(name, FieldKind.NullableBytes, versions, []);

    public static Field List(string name, string versions, params Field[] inner) => new(name, FieldKind.List, versions, inner);

    public static Field NullableList(string name, string versions, params Field[] inner) =>
        new(name, FieldKind.NullableList, versions, inner);

    /// <summary>A list of bare values.</summary>
    public static Field ListOf(string name, string versions, FieldKind kind) => List(name, versions, new Field("", kind, "", []));

    public static Field Tagged(int tag, string versions, Field field) => field with { Tag = tag, Versions = versions };

    public static Field Structure(string name, params Field[] inner) => new(name, FieldKind.Structure, "", inner);

    public static Dictionary<string, object?> Random(IEnumerable<Field> fields, short version, Random random)
    {
        var values = new Dictionary<string, object?>();
        foreach (var field in fields.Where(f => f.IsIn(version) && (f.Tag < 0 || random.Next(2) == 0)))
        {
            values[Key(field)] = RandomValue(field, version, random);
        }

        return values;
    }

    public static byte[] Encode(
        IReadOnlyCollection<Field> fields,
        Dictionary<string, object?> values,
        short version,
        bool flexible,
        bool unknownTags = false
    )
    {
        using var bytes = new MemoryStream();
        EncodeStructure(bytes, fields, values, version, flexible, unknownTags);
        return bytes.ToArray();
    }

    public static Dictionary<string, object?> Decode(
        IReadOnlyCollection<Field> fields,
        byte[] bytes,
        short version,
        bool flexible,
        int start = 0
    )
    {
        var at = start;
        var values = DecodeStructure(fields, bytes, ref at, version, flexible);
        Assert.Equal(bytes.Length, at);
        return values;
    }

    /// <summary>Every single value with its path, for a comparison field by field.</summary>
    public static IEnumerable<(string Path, object? Value)> Leaves(object? value, string path = "")
    {
        switch (value)
        {
            case Dictionary<string, object?> structure:
                return structure.SelectMany(entry => Leaves(entry.Value, path.Length == 0 ? entry.Key : $"{path}.{entry.Key}"));
            case List<object?> list:
                return list.SelectMany((item, i) => Leaves(item, $"{path}[{i}]")).Append(($"{path}.Count", list.Count));
            default:
                return [(path, value)];
        }
    }

    /// <summary>Fields that the client does not keep share a name, so they are told apart by their place.</summary>
    private static string Key(Field field) => field.Name == "_" ? $"_{field.Kind}{field.Versions}" : field.Name;

    private static object? RandomValue(Field field, short version, Random random) =>
        field.Kind switch
        {
            FieldKind.Int8 => (long)random.Next(sbyte.MinValue, sbyte.MaxValue),
            FieldKind.Int16 => (long)random.Next(short.MinValue, short.MaxValue),
            FieldKind.Int32 => (long)(field.IsTime ? random.Next() : (int)random.NextInt64(int.MinValue, int.MaxValue)),
            FieldKind.Int64 => random.NextInt64(long.MinValue, long.MaxValue),
            FieldKind.Bool => random.Next(2) == 0,
            FieldKind.Uuid => new Guid(RandomBytes(random, 16)),
            FieldKind.Text => RandomText(random),
            FieldKind.NullableText => random.Next(3) == 0 ? null : RandomText(random),
            FieldKind.Bytes => RandomBytes(random, random.Next(12) == 0 ? 200 : random.Next(20)),
            FieldKind.NullableBytes => random.Next(3) == 0 ? null : RandomBytes(random, random.Next(12) == 0 ? 200 : random.Next(20)),
            FieldKind.NullableList when random.Next(3) == 0 => null,
            FieldKind.List or FieldKind.NullableList => Enumerable
                .Range(0, random.Next(1, 4))
                .Select(_ => RandomElement(field, version, random))
                .ToList(),
            _ => Random(field.Inner, version, random),
        };

    private static object? RandomElement(Field list, short version, Random random) =>
        list.Inner is [{ Name: "" } bare] ? RandomValue(bare, version, random) : Random(list.Inner, version, random);

    private static string RandomText(Random random) =>
        string.Concat(
            Enumerable
                .Range(0, random.Next(12) == 0 ? 150 : random.Next(1, 12))
                .Select(_ => random.Next(8) == 0 ? "é" : ((char)random.Next('a', 'z')).ToString())
        );

    private static byte[] RandomBytes(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    private static void EncodeStructure(
        Stream to,
        IReadOnlyCollection<Field> fields,
        Dictionary<string, object?> values,
        short version,
        bool flexible,
        bool unknownTags
    )
    {
        foreach (var field in fields.Where(f => f.IsIn(version) && f.Tag < 0))
        {
            EncodeValue(to, field, values[Key(field)], version, flexible, unknownTags);
        }

        if (!flexible)
        {
            return;
        }

        var tagged = fields.Where(f => f.IsIn(version) && f.Tag >= 0 && values.ContainsKey(Key(f))).OrderBy(f => f.Tag).ToList();
        Varint(to, (uint)(tagged.Count + (unknownTags ? 1 : 0)));
        foreach (var field in tagged)
        {
            using var inner = new MemoryStream();
            EncodeValue(inner, field, values[Key(field)], version, flexible, unknownTags);
            Varint(to, (uint)field.Tag);
            Varint(to, (uint)inner.Length);
            to.Write(inner.ToArray());
        }

        if (unknownTags)
        {
            Varint(to, 1234);
            Varint(to, 3);
            to.Write([1, 2, 3]);
        }
    }

    private static void EncodeValue(Stream to, Field field, object? value, short version, bool flexible, bool unknownTags)
    {
        Span<byte> number = stackalloc byte[16];
        switch (field.Kind)
        {
            case FieldKind.Int8:
                to.WriteByte((byte)(sbyte)(long)value!);
                break;
            case FieldKind.Bool:
                to.WriteByte((bool)value! ? (byte)1 : (byte)0);
                break;
            case FieldKind.Int16:
                BinaryPrimitives.WriteInt16BigEndian(number, (short)(long)value!);
                to.Write(number[..2]);
                break;
            case FieldKind.Int32:
                BinaryPrimitives.WriteInt32BigEndian(number, (int)(long)value!);
                to.Write(number[..4]);
                break;
            case FieldKind.Int64:
                BinaryPrimitives.WriteInt64BigEndian(number, (long)value!);
                to.Write(number[..8]);
                break;
            case FieldKind.Uuid:
                ((Guid)value!).TryWriteBytes(number, bigEndian: true, out _);
                to.Write(number);
                break;
            case FieldKind.Text or FieldKind.NullableText:
                var text = value is null ? null : Encoding.UTF8.GetBytes((string)value);
                Length(to, text?.Length ?? -1, flexible, wide: false);
                to.Write(text ?? []);
                break;
            case FieldKind.Bytes or FieldKind.NullableBytes:
                Length(to, (value as byte[])?.Length ?? -1, flexible, wide: true);
                to.Write(value as byte[] ?? []);
                break;
            case FieldKind.List or FieldKind.NullableList:
                var items = value as List<object?>;
                Length(to, items?.Count ?? -1, flexible, wide: true);
                foreach (var item in items ?? [])
                {
                    if (field.Inner is [{ Name: "" } bare])
                    {
                        EncodeValue(to, bare, item, version, flexible, unknownTags);
                    }
                    else
                    {
                        EncodeStructure(to, field.Inner, (Dictionary<string, object?>)item!, version, flexible, unknownTags);
                    }
                }

                break;
            default:
                EncodeStructure(to, field.Inner, (Dictionary<string, object?>)value!, version, flexible, unknownTags);
                break;
        }
    }

    private static Dictionary<string, object?> DecodeStructure(
        IReadOnlyCollection<Field> fields,
        byte[] bytes,
        ref int at,
        short version,
        bool flexible
    )
    {
        var values = new Dictionary<string, object?>();
        foreach (var field in fields.Where(f => f.IsIn(version) && f.Tag < 0))
        {
            values[Key(field)] = DecodeValue(field, bytes, ref at, version, flexible);
        }

        if (!flexible)
        {
            return values;
        }

        for (var left = Varint(bytes, ref at); left > 0; left--)
        {
            var tag = Varint(bytes, ref at);
            var size = (int)Varint(bytes, ref at);
            if (fields.FirstOrDefault(f => f.Tag == tag && f.IsIn(version)) is { } field)
            {
                var end = at + size;
                values[Key(field)] = DecodeValue(field, bytes, ref at, version, flexible);
                Assert.Equal(end, at);
            }
            else
            {
                at += size;
            }
        }

        return values;
    }

    private static object? DecodeValue(Field field, byte[] bytes, ref int at, short version, bool flexible)
    {
        switch (field.Kind)
        {
            case FieldKind.Int8:
                return (long)(sbyte)Take(bytes, ref at, 1)[0];
            case FieldKind.Bool:
                return Take(bytes, ref at, 1)[0] != 0;
            case FieldKind.Int16:
                return (long)BinaryPrimitives.ReadInt16BigEndian(Take(bytes, ref at, 2));
            case FieldKind.Int32:
                return (long)BinaryPrimitives.ReadInt32BigEndian(Take(bytes, ref at, 4));
            case FieldKind.Int64:
                return BinaryPrimitives.ReadInt64BigEndian(Take(bytes, ref at, 8));
            case FieldKind.Uuid:
                return new Guid(Take(bytes, ref at, 16), bigEndian: true);
            case FieldKind.Text or FieldKind.NullableText:
                var length = flexible ? (int)Varint(bytes, ref at) - 1 : BinaryPrimitives.ReadInt16BigEndian(Take(bytes, ref at, 2));
                Assert.True(length >= 0 || field.Kind == FieldKind.NullableText, $"{field.Name} is null in version {version}");
                return length < 0 ? null : Encoding.UTF8.GetString(Take(bytes, ref at, length));
            case FieldKind.Bytes or FieldKind.NullableBytes:
                var size = Length(bytes, ref at, flexible);
                return size < 0 ? null : Take(bytes, ref at, size).ToArray();
            case FieldKind.List or FieldKind.NullableList:
                var count = Length(bytes, ref at, flexible);
                Assert.True(count >= 0 || field.Kind == FieldKind.NullableList, $"{field.Name} is null in version {version}");
                if (count < 0)
                {
                    return null;
                }

                var items = new List<object?>();
                for (var i = 0; i < count; i++)
                {
                    items.Add(
                        field.Inner is [{ Name: "" } bare]
                            ? DecodeValue(bare, bytes, ref at, version, flexible)
                            : DecodeStructure(field.Inner, bytes, ref at, version, flexible)
                    );
                }

                return items;
            default:
                return DecodeStructure(field.Inner, bytes, ref at, version, flexible);
        }
    }

    private static void Length(Stream to, int length, bool flexible, bool wide)
    {
        Span<byte> number = stackalloc byte[4];
        if (flexible)
        {
            Varint(to, (uint)(length + 1));
        }
        else if (wide)
        {
            BinaryPrimitives.WriteInt32BigEndian(number, length);
            to.Write(number);
        }
        else
        {
            BinaryPrimitives.WriteInt16BigEndian(number, (short)length);
            to.Write(number[..2]);
        }
    }

    private static int Length(byte[] bytes, ref int at, bool flexible) =>
        flexible ? (int)Varint(bytes, ref at) - 1 : BinaryPrimitives.ReadInt32BigEndian(Take(bytes, ref at, 4));

    private static ReadOnlySpan<byte> Take(byte[] bytes, ref int at, int count)
    {
        var taken = bytes.AsSpan(at, count);
        at += count;
        return taken;
    }

    private static void Varint(Stream to, uint value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            to.WriteByte((byte)(value | 0x80));
        }

        to.WriteByte((byte)value);
    }

    private static uint Varint(byte[] bytes, ref int at)
    {
        uint value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var next = bytes[at++];
            value |= (uint)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
    }
}
