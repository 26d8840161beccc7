using System.Globalization;
using System.Text;

namespace KafkaBackup.Engine.Compare;

/// <summary>
/// Says what differs between two records, for people: text where it is text, else hex, shortened to the part around the difference.
/// </summary>
internal static class DifferenceText
{
    public const string NoRecord = "(no record)";

    private const int Before = 16;
    private const int Shown = 48;

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>The first thing that differs, in the order key, value, headers, timestamp, timestamp type.</summary>
    public static RecordDifference Of(long leftOffset, FormReader left, long rightOffset, FormReader right)
    {
        var leftKey = left.Key(out var leftIsNull);
        var rightKey = right.Key(out var rightIsNull);
        if (leftIsNull != rightIsNull || !leftKey.SequenceEqual(rightKey))
        {
            return Differ("Key", leftKey, leftIsNull, rightKey, rightIsNull);
        }

        var leftValue = left.Value(out leftIsNull);
        var rightValue = right.Value(out rightIsNull);
        if (leftIsNull != rightIsNull || !leftValue.SequenceEqual(rightValue))
        {
            return Differ("Value", leftValue, leftIsNull, rightValue, rightIsNull);
        }

        var (leftHeaders, rightHeaders) = (Headers(ref left), Headers(ref right));
        if (FirstDiffering(leftHeaders, rightHeaders) is { } index)
        {
            return new RecordDifference(leftOffset, rightOffset, "Headers", Show(leftHeaders, index), Show(rightHeaders, index));
        }

        return left.Timestamp != right.Timestamp
            ? new RecordDifference(leftOffset, rightOffset, "Timestamp", Show(left.Timestamp), Show(right.Timestamp))
            : new RecordDifference(leftOffset, rightOffset, "TimestampType", $"{left.Kind}", $"{right.Kind}");

        RecordDifference Differ(string what, ReadOnlySpan<byte> ours, bool oursIsNull, ReadOnlySpan<byte> theirs, bool theirsIsNull)
        {
            var at = ours.CommonPrefixLength(theirs);
            return new RecordDifference(leftOffset, rightOffset, what, Show(ours, oursIsNull, at), Show(theirs, theirsIsNull, at));
        }
    }

    /// <summary>A record that only one side has.</summary>
    public static string Of(FormReader record)
    {
        var key = record.Key(out var keyIsNull);
        var value = record.Value(out var valueIsNull);
        return $"key {Show(key, keyIsNull, 0)}, value {Show(value, valueIsNull, 0)}";
    }

    /// <param name="at">Where the difference begins.</param>
    private static string Show(ReadOnlySpan<byte> bytes, bool isNull, int at)
    {
        if (isNull || bytes.Length == 0)
        {
            return isNull ? "(null)" : "(empty)";
        }

        var from = bytes.Length <= Shown ? 0 : Math.Clamp(at - Before, 0, bytes.Length - Before);
        var part = bytes[from..Math.Min(bytes.Length, from + Shown)];
        var text =
            (from > 0 ? "..." : "")
            + (Text(bytes, ref part) ?? "0x" + Convert.ToHexString(part))
            + (from + part.Length < bytes.Length ? "..." : "");
        return bytes.Length <= Shown
            ? text
            : string.Create(CultureInfo.InvariantCulture, $"{text} ({bytes.Length} bytes; from byte {from})");
    }

    /// <summary>Null when it is not text as a whole, or has characters that would upset a console.</summary>
    private static string? Text(ReadOnlySpan<byte> bytes, ref ReadOnlySpan<byte> part)
    {
        if (!System.Text.Unicode.Utf8.IsValid(bytes))
        {
            return null;
        }

        // The part may begin or end inside a character.
        while (part.Length > 0 && (part[0] & 0xC0) == 0x80)
        {
            part = part[1..];
        }

        var length = part.Length;
        while (length > 0 && !System.Text.Unicode.Utf8.IsValid(part[..length]))
        {
            length--;
        }

        var text = Strict.GetString(part[..length]);
        return text.Any(char.IsControl) ? null : text;
    }

    private static List<(byte[] Name, byte[]? Value)> Headers(ref FormReader record)
    {
        var count = record.Count();
        var headers = new List<(byte[], byte[]?)>(count);
        for (var i = 0; i < count; i++)
        {
            var name = record.Bytes(out _).ToArray();
            var value = record.Bytes(out var isNull);
            headers.Add((name, isNull ? null : value.ToArray()));
        }

        return headers;
    }

    private static int? FirstDiffering(List<(byte[] Name, byte[]? Value)> left, List<(byte[] Name, byte[]? Value)> right)
    {
        for (var i = 0; i < Math.Max(left.Count, right.Count); i++)
        {
            if (
                i >= left.Count
                || i >= right.Count
                || !left[i].Name.AsSpan().SequenceEqual(right[i].Name)
                || left[i].Value is null != right[i].Value is null
                || !left[i].Value.AsSpan().SequenceEqual(right[i].Value)
            )
            {
                return i;
            }
        }

        return null;
    }

    private static string Show(List<(byte[] Name, byte[]? Value)> headers, int index)
    {
        if (headers.Count == 0)
        {
            return "(no headers)";
        }

        return index >= headers.Count
            ? string.Create(CultureInfo.InvariantCulture, $"(only {headers.Count} headers)")
            : string.Create(
                CultureInfo.InvariantCulture,
                $"header {index + 1} of {headers.Count}: {Show(headers[index].Name, false, 0)}={Show(headers[index].Value, headers[index].Value is null, 0)}"
            );
    }

    private static string Show(long timestamp) =>
        KafkaTime.ToDateTimeOffset(timestamp) is { } time
            ? string.Create(CultureInfo.InvariantCulture, $"{timestamp} ({time:yyyy-MM-ddTHH:mm:ss.fffZ})")
            : string.Create(CultureInfo.InvariantCulture, $"{timestamp}");
}
