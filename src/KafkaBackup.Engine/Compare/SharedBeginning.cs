using System.Security.Cryptography;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Compare;

/// <summary>
/// For records that are aligned by position: how many records each side has before the first one that both have. One side may begin later
/// than the other, because retention took more of it.
/// </summary>
/// <param name="Reference">0 unless the reference side is the one with older records.</param>
/// <param name="Difference">0 unless the difference side is.</param>
internal sealed record SharedBeginning(long Reference, long Difference)
{
    public static SharedBeginning None { get; } = new(0, 0);

    /// <param name="readReference">Hands the side's records to a taker, from the first that counts.</param>
    /// <param name="readDifference">Likewise.</param>
    public static SharedBeginning Find(
        ComparisonEncoding reference,
        Action<RecordTaker> readReference,
        ComparisonEncoding difference,
        Action<RecordTaker> readDifference
    )
    {
        var (left, right) = (new OldestForms(reference), new OldestForms(difference));
        readReference(left);
        readDifference(right);
        var both = Math.Min(left.Forms.Count, right.Forms.Count);
        if (left.Forms.Take(both).SequenceEqual(right.Forms.Take(both)))
        {
            return None;
        }

        var (inReference, inDifference) = (new FormSearch(reference, right.Forms), new FormSearch(difference, left.Forms));
        readReference(inReference);
        readDifference(inDifference);
        return Nearest(inReference.Whole, inDifference.Whole)
            ?? Nearest(inReference.AtEnd, inDifference.AtEnd)
            ?? Nearest(inReference.First, inDifference.First)
            ?? None;
    }

    private static SharedBeginning? Nearest(long? inReference, long? inDifference) =>
        inReference is { } left && !(inDifference < left) ? new SharedBeginning(left, 0)
        : inDifference is { } right ? new SharedBeginning(0, right)
        : null;

    /// <summary>A record's form in few bytes; what is found by it is compared byte for byte afterwards.</summary>
    private readonly record struct FormDigest(ulong High, ulong Low);

    private abstract class FormTaker(ComparisonEncoding form) : RecordTaker
    {
        private byte[] _buffer = new byte[4 << 10];

        protected FormDigest Digest(in RecordView record)
        {
            var size = ComparisonEncoding.SizeOf(record);
            if (_buffer.Length < size)
            {
                _buffer = new byte[size];
            }

            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(_buffer.AsSpan(0, form.Write(record, _buffer)), hash);
            return new FormDigest(BitConverter.ToUInt64(hash), BitConverter.ToUInt64(hash[sizeof(ulong)..]));
        }
    }

    private sealed class OldestForms(ComparisonEncoding form) : FormTaker(form)
    {
        /// <summary>Records may repeat; so many in a row do not by chance.</summary>
        private const int Most = 16;

        public List<FormDigest> Forms { get; } = [];

        public override bool Take(in RecordView record)
        {
            Forms.Add(Digest(record));
            return Forms.Count < Most;
        }
    }

    /// <summary>Looks for the other side's oldest records, in a row, in one pass (Knuth, Morris and Pratt).</summary>
    private sealed class FormSearch : FormTaker
    {
        private readonly IReadOnlyList<FormDigest> _wanted;
        private readonly int[] _fallback;
        private long _seen;
        private int _matched;

        public FormSearch(ComparisonEncoding form, IReadOnlyList<FormDigest> wanted)
            : base(form)
        {
            _wanted = wanted;
            _fallback = new int[wanted.Count];
            for (var (i, length) = (1, 0); i < wanted.Count; i++)
            {
                while (length > 0 && wanted[i] != wanted[length])
                {
                    length = _fallback[length - 1];
                }

                length += wanted[i] == wanted[length] ? 1 : 0;
                _fallback[i] = length;
            }
        }

        /// <summary>Records before the first place where all of the wanted ones are.</summary>
        public long? Whole { get; private set; }

        /// <summary>Records before the end's own records that are the first of the wanted ones. Meaningful at the end.</summary>
        public long? AtEnd => Whole is null && _matched > 0 ? _seen - _matched : null;

        /// <summary>Records before the first one that is the first of the wanted ones.</summary>
        public long? First { get; private set; }

        public override bool Take(in RecordView record)
        {
            if (_wanted.Count == 0)
            {
                return false;
            }

            var digest = Digest(record);
            First ??= digest == _wanted[0] ? _seen : null;
            while (_matched > 0 && digest != _wanted[_matched])
            {
                _matched = _fallback[_matched - 1];
            }

            _matched += digest == _wanted[_matched] ? 1 : 0;
            _seen++;
            if (_matched < _wanted.Count)
            {
                return true;
            }

            Whole = _seen - _matched;
            return false;
        }
    }
}
