using System.Security.Cryptography;

namespace KafkaBackup.Engine.Format.Segments;

/// <summary>
/// Whether a segment is, byte for byte, the file that the manifest names: hashes what is read anyway, front to back. Header and index are
/// known from the start, so the answer is there with the read that brings the last block, before any record of it is handed out. What is
/// read in part proves nothing.
/// </summary>
/// <param name="expected">SHA-256 of the whole file, hexadecimal.</param>
/// <param name="blocksEnd">Where the last block ends, and index and trailer begin.</param>
internal sealed class SegmentProof(string expected, ReadOnlyMemory<byte> header, long blocksEnd, ReadOnlyMemory<byte> indexAndTrailer)
    : IDisposable
{
    private IncrementalHash? _hash = Begin(header);
    private long _next = header.Length;

    /// <summary>True when every byte was seen and is the right one.</summary>
    public bool IsProven { get; private set; }

    /// <summary>False: the file is another one.</summary>
    public bool Take(long offset, ReadOnlySpan<byte> bytes)
    {
        if (_hash is null || offset + bytes.Length <= _next)
        {
            return true;
        }

        if (offset > _next)
        {
            Dispose();
            return true;
        }

        _hash.AppendData(bytes[(int)(_next - offset)..]);
        _next = offset + bytes.Length;
        if (_next < blocksEnd)
        {
            return true;
        }

        _hash.AppendData(indexAndTrailer.Span);
        IsProven = Convert.ToHexString(_hash.GetHashAndReset()).Equals(expected, StringComparison.OrdinalIgnoreCase);
        Dispose();
        return IsProven;
    }

    public void Dispose()
    {
        _hash?.Dispose();
        _hash = null;
    }

    private static IncrementalHash Begin(ReadOnlyMemory<byte> header)
    {
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header.Span);
        return hash;
    }
}
