using System.Buffers.Binary;
using System.Security.Cryptography;

namespace KafkaBackup.Demo.Show;

/// <summary>
/// A digest of everything a record holds but its offset. Made here, from the fields, so that it owes nothing to the engine that it is to
/// judge.
/// </summary>
internal static class Imprint
{
    /// <param name="headers">In order, repeated names and all.</param>
    public static string Of(byte[]? key, byte[]? value, long timestamp, IEnumerable<(string Name, byte[]? Value)> headers)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        AddNumber(hash, timestamp);
        AddBytes(hash, key);
        AddBytes(hash, value);
        foreach (var (name, content) in headers)
        {
            AddBytes(hash, System.Text.Encoding.UTF8.GetBytes(name));
            AddBytes(hash, content);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    /// <summary>With its length, so that null, empty and what follows can't be mistaken for each other.</summary>
    private static void AddBytes(IncrementalHash hash, byte[]? bytes)
    {
        AddNumber(hash, bytes?.Length ?? -1);
        hash.AppendData(bytes ?? []);
    }

    private static void AddNumber(IncrementalHash hash, long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        hash.AppendData(bytes);
    }
}
