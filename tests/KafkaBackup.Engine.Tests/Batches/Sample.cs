using System.Buffers;
using KafkaBackup.Engine.Batches;

namespace KafkaBackup.Engine.Tests.Batches;

/// <summary>A record as a value that tests can compare, and batches made of such records.</summary>
internal sealed record Sample(long Offset, long Timestamp, string? Key, string? Value, string Headers = "")
{
    public override string ToString() => $"{Offset}@{Timestamp} {Short(Key)}={Short(Value)} [{Short(Headers)}]";

    public static IReadOnlyList<Sample> Read(in RecordBatch batch)
    {
        using var cursor = new BatchCursor();
        cursor.Open(batch);
        var records = new List<Sample>();
        while (cursor.MoveNext())
        {
            records.Add(
                new Sample(
                    cursor.Offset,
                    cursor.Timestamp,
                    cursor.KeyIsNull ? null : Text(cursor.Key),
                    cursor.ValueIsNull ? null : Text(cursor.Value),
                    Render(cursor.Headers)
                )
            );
        }

        return records;
    }

    public static byte[] Build(IEnumerable<Sample> records, BatchCodec codec = BatchCodec.None, int? level = null, long? appendTime = null)
    {
        using var builder = new BatchBuilder();
        builder.Begin(codec, level, appendTime);
        foreach (var record in records)
        {
            record.AppendTo(builder);
        }

        return builder.Build().ToArray();
    }

    /// <summary>Records with every form of key, value, header and timestamp that Kafka knows.</summary>
    public static IReadOnlyList<Sample> Several(Random random, int count)
    {
        var offset = random.NextInt64(0, 1L << 40);
        var records = new List<Sample>();
        for (var i = 0; i < count; i++)
        {
            offset += random.Next(8) == 0 ? random.Next(1, 1000) : 1;
            records.Add(new Sample(offset, Time(random), Field(random), Field(random), random.Next(3) == 0 ? Some(random) : ""));
        }

        return records;
    }

    private void AppendTo(BatchBuilder builder)
    {
        var raw = new ArrayBufferWriter<byte>();
        var headers = Headers.Split(';', StringSplitOptions.RemoveEmptyEntries);
        foreach (var header in headers)
        {
            var parts = header.Split('=');
            RecordFields.AppendHeader(raw, Bytes(parts[0]), Bytes(parts.Length > 1 ? parts[1] : null), parts.Length == 1);
        }

        builder.Append(
            Offset,
            Timestamp,
            new RecordFields
            {
                Key = Bytes(Key),
                KeyIsNull = Key is null,
                Value = Bytes(Value),
                ValueIsNull = Value is null,
                HeaderCount = headers.Length,
                RawHeaders = raw.WrittenSpan,
            }
        );
    }

    private static string Render(RecordHeaders headers)
    {
        var text = "";
        while (headers.MoveNext())
        {
            text += Text(headers.Name) + (headers.ValueIsNull ? "" : "=" + Text(headers.Value)) + ";";
        }

        return text;
    }

    private static long Time(Random random) =>
        random.Next(6) switch
        {
            0 => -1,
            1 => 0,
            2 => long.MaxValue,
            3 => random.NextInt64(),
            _ => 1_700_000_000_000 + random.Next(100_000),
        };

    private static string? Field(Random random) =>
        random.Next(5) switch
        {
            0 => null,
            1 => "",
            2 => new string((char)random.Next(256), random.Next(400_000)),
            _ => string.Concat(Enumerable.Range(0, random.Next(1, 40)).Select(_ => (char)random.Next(256))),
        };

    private static string Some(Random random) =>
        string.Concat(
            Enumerable
                .Range(0, random.Next(1, 5))
                .Select(i =>
                    random.Next(3) switch
                    {
                        0 => "a;",
                        1 => "same=;",
                        _ => $"\0n{i}=\u00ff{i};",
                    }
                )
        );

    private static string Short(string? text) =>
        text is null ? "null"
        : text.Length > 20 ? $"{text[..20]}... {text.Length}"
        : text;

    private static string Text(ReadOnlySpan<byte> bytes) => System.Text.Encoding.Latin1.GetString(bytes);

    private static byte[] Bytes(string? text) => System.Text.Encoding.Latin1.GetBytes(text ?? "");
}
