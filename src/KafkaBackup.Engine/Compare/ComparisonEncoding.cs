using System.Buffers.Binary;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Records;
using KafkaBackup.Engine.Rules;

namespace KafkaBackup.Engine.Compare;

/// <summary>
/// Brings a record into the form that is compared and hashed: everything that counts, one after the other, each with its length, null and
/// empty told apart. Two records are equal when their forms are.
/// <para>
/// Here lies the comparer's independence. A record of a live topic comes straight from the broker's batch, one of a backup from
/// the segment reader; from there on nothing is shared with what backup and restore use: not the segment writer's encoding, not its
/// digests, no offset mapping, no checkpoint. A record that was written wrongly cannot be written wrongly here once more and look equal.
/// </para>
/// </summary>
/// <param name="added">So many of the newest x-original-offset and x-original-timestamp headers were added by restores since, and are left
/// out.</param>
/// <param name="withTimestampType">Both sides tell it.</param>
internal sealed class ComparisonEncoding(CompareOptions options, int added, bool withTimestampType)
{
    private readonly HeaderFilter? _filter = options.IgnoreHeaders is null ? null : new HeaderFilter(options.IgnoreHeaders);

    /// <summary>At least what <see cref="Write"/> needs.</summary>
    public static int SizeOf(in RecordView record) =>
        record.PayloadBytes + sizeof(long) + 1 + (3 * sizeof(int)) + (record.Headers.Length * 2 * sizeof(int));

    /// <summary>Returns the form's length.</summary>
    public int Write(in RecordView record, Span<byte> target)
    {
        var used = 0;
        if (!options.IgnoreTimestamp)
        {
            BinaryPrimitives.WriteInt64LittleEndian(target, record.Timestamp);
            target[sizeof(long)] = withTimestampType ? (byte)record.TimestampKind : (byte)0;
            used = sizeof(long) + 1;
        }

        used += options.IgnoreKey ? 0 : Put(target[used..], record.Key, record.KeyIsNull);
        used += options.IgnoreValue ? 0 : Put(target[used..], record.Value, record.ValueIsNull);
        return used + PutHeaders(target[used..], record.Headers);
    }

    public FormReader Read(ReadOnlySpan<byte> form) => new(form, !options.IgnoreTimestamp, !options.IgnoreKey, !options.IgnoreValue);

    private int PutHeaders(Span<byte> target, ReadOnlySpan<HeaderSlice> headers)
    {
        var count = 0;
        var used = sizeof(int);
        if (headers.Length > 0)
        {
            var offsets = AddedFrom(headers, HeaderNames.OriginalOffsetBytes);
            var timestamps = AddedFrom(headers, HeaderNames.OriginalTimestampBytes);
            for (var i = 0; i < headers.Length; i++)
            {
                ref readonly var header = ref headers[i];
                if (
                    (i >= offsets && header.Name.SequenceEqual(HeaderNames.OriginalOffsetBytes))
                    || (i >= timestamps && header.Name.SequenceEqual(HeaderNames.OriginalTimestampBytes))
                    || _filter?.LeavesOut(header.Name) == true
                )
                {
                    continue;
                }

                used += Put(target[used..], header.Name, isNull: false);
                used += Put(target[used..], header.Value, header.ValueIsNull);
                count++;
            }
        }

        BinaryPrimitives.WriteInt32LittleEndian(target, count);
        return used;
    }

    /// <summary>The index of the first header of that name that was added since.</summary>
    private int AddedFrom(ReadOnlySpan<HeaderSlice> headers, ReadOnlySpan<byte> name) =>
        added > 0 && OriginalOffset.IndexOf(headers, name, added) is >= 0 and var index ? index : int.MaxValue;

    private static int Put(Span<byte> target, ReadOnlySpan<byte> bytes, bool isNull)
    {
        BinaryPrimitives.WriteInt32LittleEndian(target, isNull ? -1 : bytes.Length);
        bytes.CopyTo(target[sizeof(int)..]);
        return sizeof(int) + bytes.Length;
    }
}

/// <summary>Takes a form apart again, to say what differs. Null is told by <see cref="Bytes(out bool)"/>.</summary>
internal ref struct FormReader
{
    private readonly bool _hasKey;
    private readonly bool _hasValue;
    private ReadOnlySpan<byte> _rest;

    public FormReader(ReadOnlySpan<byte> form, bool hasTimestamp, bool hasKey, bool hasValue)
    {
        _rest = form;
        _hasKey = hasKey;
        _hasValue = hasValue;
        if (hasTimestamp)
        {
            Timestamp = BinaryPrimitives.ReadInt64LittleEndian(_rest);
            Kind = (TimestampKind)_rest[sizeof(long)];
            _rest = _rest[(sizeof(long) + 1)..];
        }
    }

    public long Timestamp { get; }

    public TimestampKind Kind { get; }

    public ReadOnlySpan<byte> Key(out bool isNull) => Next(_hasKey, out isNull);

    public ReadOnlySpan<byte> Value(out bool isNull) => Next(_hasValue, out isNull);

    public int Count()
    {
        var count = BinaryPrimitives.ReadInt32LittleEndian(_rest);
        _rest = _rest[sizeof(int)..];
        return count;
    }

    public ReadOnlySpan<byte> Bytes(out bool isNull)
    {
        var length = Count();
        isNull = length < 0;
        var bytes = _rest[..Math.Max(0, length)];
        _rest = _rest[bytes.Length..];
        return bytes;
    }

    private ReadOnlySpan<byte> Next(bool isThere, out bool isNull)
    {
        if (isThere)
        {
            return Bytes(out isNull);
        }

        isNull = true;
        return default;
    }
}

/// <summary>Which header names are left out. Names repeat from record to record, so each is looked at once.</summary>
internal sealed class HeaderFilter(PatternSet patterns)
{
    private const int MostKnown = 64;

    private readonly List<(byte[] Name, bool LeftOut)> _known = [];

    public bool LeavesOut(ReadOnlySpan<byte> name)
    {
        foreach (var (known, leftOut) in _known)
        {
            if (name.SequenceEqual(known))
            {
                return leftOut;
            }
        }

        var answer = patterns.Matches(System.Text.Encoding.UTF8.GetString(name));
        if (_known.Count < MostKnown)
        {
            _known.Add((name.ToArray(), answer));
        }

        return answer;
    }
}
