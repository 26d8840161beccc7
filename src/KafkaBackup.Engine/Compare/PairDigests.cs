using System.Security.Cryptography;

namespace KafkaBackup.Engine.Compare;

/// <summary>
/// A digest of each side's paired records: the SHA-256 of the SHA-256s of every 64 KiB of their compared forms, one behind the other.
/// Hashing is the dearest part of a comparison, and a hash under way cannot be copied; in pages, what has been found alike byte for byte is
/// hashed once for both sides.
/// </summary>
internal sealed class PairDigests : IDisposable
{
    private const int PageBytes = 64 << 10;

    private readonly Side _reference = new();
    private readonly Side _difference = new();
    private bool _parted;

    /// <summary>
    /// Of pairs that follow those before. While no two were different the second is not looked at: it has been compared with the first.
    /// </summary>
    public void Append(ReadOnlySpan<byte> reference, ReadOnlySpan<byte> difference)
    {
        if (_parted)
        {
            _reference.Append(reference, null);
            _difference.Append(difference, null);
        }
        else
        {
            _reference.Append(reference, _difference);
        }
    }

    /// <summary>What comes next is not alike.</summary>
    public void Part()
    {
        if (!_parted)
        {
            _parted = true;
            _difference.TakePage(_reference);
        }
    }

    public (string Reference, string Difference) Texts()
    {
        Part();
        return (_reference.Text(), _difference.Text());
    }

    public void Dispose()
    {
        _reference.Dispose();
        _difference.Dispose();
    }

    private sealed class Side : IDisposable
    {
        private readonly IncrementalHash _pages = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private readonly byte[] _page = new byte[PageBytes];
        private int _used;

        public void Append(ReadOnlySpan<byte> bytes, Side? alike)
        {
            while (_used + bytes.Length >= PageBytes)
            {
                var part = bytes[..(PageBytes - _used)];
                bytes = bytes[part.Length..];
                if (_used > 0)
                {
                    part.CopyTo(_page.AsSpan(_used));
                    part = _page;
                }

                AppendPage(part, alike);
                _used = 0;
            }

            bytes.CopyTo(_page.AsSpan(_used));
            _used += bytes.Length;
        }

        /// <summary>The page that the other side has begun, which is alike so far.</summary>
        public void TakePage(Side other)
        {
            other._page.AsSpan(0, other._used).CopyTo(_page);
            _used = other._used;
        }

        public string Text()
        {
            if (_used > 0)
            {
                AppendPage(_page.AsSpan(0, _used), null);
                _used = 0;
            }

            return Convert.ToHexString(_pages.GetCurrentHash()).ToLowerInvariant();
        }

        public void Dispose() => _pages.Dispose();

        private void AppendPage(ReadOnlySpan<byte> page, Side? alike)
        {
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(page, hash);
            _pages.AppendData(hash);
            alike?._pages.AppendData(hash);
        }
    }
}
