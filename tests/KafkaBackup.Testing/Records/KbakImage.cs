using System.IO.Hashing;
using KafkaBackup.Engine.Format.Compression;

namespace KafkaBackup.Testing.Records;

/// <summary>Segments as the Rust tool writes them (rule K), for tests of the importer.</summary>
public static class KbakImage
{
    private const int ZstdContentSizeFlag = 200;

    /// <param name="compression">0 none, 1 zstd, 2 lz4.</param>
    public static byte[] Write(IReadOnlyList<TestRecord> records, byte compression = 0)
    {
        ArgumentNullException.ThrowIfNull(records);
        var raw = Payload(records);
        return Wrap(
            records,
            compression,
            compression switch
            {
                0 => raw,
                1 => ZstdFrame(raw),
                _ => [.. BitConverter.GetBytes(raw.Length), .. Lz4Image.Compress(raw)],
            }
        );
    }

    /// <summary>Header and footer around a payload of the caller's making.</summary>
    public static byte[] Wrap(IReadOnlyList<TestRecord> records, byte compression, byte[] payload)
    {
        ArgumentNullException.ThrowIfNull(records);
        using var file = new MemoryStream();
        using var writer = new BinaryWriter(file);
        writer.Write("KBAK"u8);
        writer.Write((byte)1);
        writer.Write(compression);
        writer.Write((ushort)0);
        writer.Write((long)records.Count);
        writer.Write(records.Count > 0 ? records[0].Offset : -1);
        writer.Write(records.Count > 0 ? records[^1].Offset : -1);
        writer.Write(payload);
        writer.Flush();
        writer.Write(Crc32.HashToUInt32(file.GetBuffer().AsSpan(0, (int)file.Length)));
        writer.Write("BKAE"u8);
        writer.Flush();
        return file.ToArray();
    }

    public static byte[] Payload(IEnumerable<TestRecord> records)
    {
        ArgumentNullException.ThrowIfNull(records);
        using var payload = new MemoryStream();
        using var writer = new BinaryWriter(payload);
        foreach (var record in records)
        {
            var bytes = One(record);
            writer.Write(bytes.Length);
            writer.Write(bytes);
        }

        writer.Flush();
        return payload.ToArray();
    }

    private static byte[] One(TestRecord record)
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write(record.Timestamp);
        writer.Write(record.Offset);
        WriteNullable(writer, record.Key);
        WriteNullable(writer, record.Value);
        writer.Write((ushort)record.Headers.Count);
        foreach (var (name, value) in record.Headers)
        {
            writer.Write((ushort)name.Length);
            writer.Write(name);
            WriteNullable(writer, value);
        }

        writer.Flush();
        return bytes.ToArray();
    }

    private static void WriteNullable(BinaryWriter writer, byte[]? bytes)
    {
        writer.Write(bytes?.Length ?? -1);
        writer.Write(bytes ?? []);
    }

    /// <summary>One frame that does not tell its content's size.</summary>
    private static unsafe byte[] ZstdFrame(byte[] raw)
    {
        var library = ZstdLibrary.Fastest;
        var context = library.CreateCompressor();
        try
        {
            library.SetParameter(context, ZstdContentSizeFlag, 0);
            var frame = new byte[raw.Length + (raw.Length / 128) + 1024];
            fixed (
                byte* from = raw,
                    to = frame
            )
            {
                var length = library.Compress(context, to, (nuint)frame.Length, from, (nuint)raw.Length);
                return library.IsError(length) ? throw new InvalidOperationException(library.ErrorName(length)) : frame[..(int)length];
            }
        }
        finally
        {
            library.FreeCompressor(context);
        }
    }
}
