using System.Buffers.Binary;
using System.Security.Cryptography;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Format.Blocks;

/// <summary>
/// A record's fingerprint: SHA-256 over its canonical form (FORMAT.md, "Record digest"), which does not depend on how blocks are coded.
/// Reusable; not for several threads.
/// </summary>
public sealed class RecordDigest : IDisposable
{
    private readonly IncrementalHash _sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Lower-case hex.</summary>
    public static string Of(in RecordView record)
    {
        using var digest = new RecordDigest();
        return digest.Compute(record);
    }

    public string Compute(in RecordView record)
    {
        Span<byte> fixedPart = stackalloc byte[17];
        BinaryPrimitives.WriteInt64LittleEndian(fixedPart, record.Offset);
        BinaryPrimitives.WriteInt64LittleEndian(fixedPart[8..], record.Timestamp);
        fixedPart[16] = (byte)record.TimestampKind;
        _sha.AppendData(fixedPart);
        Append(record.Key, record.KeyIsNull);
        Append(record.Value, record.ValueIsNull);
        AppendNumber(record.Headers.Length);
        foreach (ref readonly var header in record.Headers)
        {
            Append(header.Name, isNull: false);
            Append(header.Value, header.ValueIsNull);
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        _sha.TryGetHashAndReset(hash, out _);
        return Convert.ToHexString(hash).ToLowerInvariant();
    }

    public void Dispose() => _sha.Dispose();

    private void Append(ReadOnlySpan<byte> bytes, bool isNull)
    {
        AppendNumber(isNull ? -1 : bytes.Length);
        _sha.AppendData(bytes);
    }

    private void AppendNumber(int number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
        _sha.AppendData(bytes);
    }
}
