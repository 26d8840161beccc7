using System.Collections;
using System.Globalization;

namespace KafkaBackup.Formatting;

/// <summary>
/// Numbers for people, the same in views, plans and messages whatever the machine's language. Public because the views call it.
/// </summary>
public static class Display
{
    private static readonly string[] Units = ["B", "KB", "MB", "GB", "TB", "PB"];

    /// <summary>1,234 B; 12.5 GB: powers of 1024, as PowerShell's own MB.</summary>
    public static string Bytes(long bytes)
    {
        var value = (double)bytes;
        var unit = 0;
        while (Math.Abs(value) >= 1024 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return string.Create(
            CultureInfo.InvariantCulture,
            $"{(unit == 0 ? value.ToString("N0", CultureInfo.InvariantCulture) : value.ToString("N1", CultureInfo.InvariantCulture))} {Units[unit]}"
        );
    }

    /// <summary>Why two sides are not equal, in a line.</summary>
    public static string Comparison(TopicComparison row)
    {
        if (row.ErrorMessage is not null || row.FirstDifference is not null)
            return Text(row.ErrorMessage ?? row.FirstDifference!.ToString());
        string[] longer =
        [
            .. Longer(row.ReferenceOnlyTail, "older", "reference"),
            .. Longer(row.ReferenceOnlyHead, "newer", "reference"),
            .. Longer(row.DifferenceOnlyTail, "older", "difference"),
            .. Longer(row.DifferenceOnlyHead, "newer", "difference"),
        ];
        return string.Join(", ", longer);
    }

    private static string[] Longer(long records, string which, string side) =>
        records == 0 ? [] : [$"{Number(records)} {which} only in the {side}"];

    public static string Number(long? number) => number?.ToString("N0", CultureInfo.InvariantCulture) ?? "";

    /// <summary>
    /// UTC to the second in views; the exact value is in the property. What DateTimeOffset cannot hold is shown as its milliseconds.
    /// </summary>
    public static string Time(long? milliseconds) =>
        milliseconds switch
        {
            null => "",
            { } ms => KafkaTime.ToDateTimeOffset(ms) is { } time ? Moment(time) : string.Create(CultureInfo.InvariantCulture, $"{ms} ms"),
        };

    public static string Moment(DateTimeOffset? time) =>
        time is { } known ? known.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture) : "";

    /// <summary>2h 3m 4s; under a minute with tenths.</summary>
    public static string Duration(TimeSpan? duration) =>
        duration switch
        {
            null => "",
            { TotalMinutes: < 1 } short_ => string.Create(CultureInfo.InvariantCulture, $"{short_.TotalSeconds:0.0}s"),
            { TotalHours: < 1 } medium => string.Create(CultureInfo.InvariantCulture, $"{medium.Minutes}m {medium.Seconds:00}s"),
            { } long_ => string.Create(CultureInfo.InvariantCulture, $"{(long)long_.TotalHours}h {long_.Minutes:00}m {long_.Seconds:00}s"),
        };

    /// <summary>A key or value of a record on one line: bytes in hex, nothing hidden about null.</summary>
    public static string Content(object? content) =>
        content switch
        {
            null => "(null)",
            byte[] bytes => "0x" + Convert.ToHexString(bytes),
            _ => Text(content),
        };

    /// <summary>
    /// On one line, with a dot for whatever a terminal would carry out instead of showing it. Names of topics and groups, keys, values and
    /// headers come from whoever may write to the cluster or to the store.
    /// </summary>
    public static string Text(object? content) => Clean(content?.ToString() ?? "", keepLines: false);

    public static string Lines(IEnumerable? items) => Lines(items, "");

    /// <summary>Each item on a line of its own.</summary>
    public static string Lines(IEnumerable? items, string ofNone)
    {
        var lines = (items ?? Array.Empty<object>()).Cast<object?>().Select(Text).ToArray();
        return lines.Length == 0 ? ofNone : string.Join('\n', lines);
    }

    public static string Findings(IEnumerable<Finding>? findings) =>
        Lines(findings?.Select(f => $"{f.Severity}: {f.Place}: {f.Message} {f.Advice}"), "none");

    /// <summary>A message of ours, which may name what comes from others; its line breaks stay.</summary>
    public static string Message(string message) => Clean(message, keepLines: true);

    private static string Clean(string text, bool keepLines)
    {
        if (!text.Any(IsActive))
        {
            return text;
        }

        return string.Create(
            text.Length,
            (text, keepLines),
            static (target, given) =>
            {
                for (var i = 0; i < target.Length; i++)
                {
                    var c = given.text[i];
                    var breaksLine = c == '\n' || (c == '\r' && i + 1 < target.Length && given.text[i + 1] == '\n');
                    target[i] = IsActive(c) && !(given.keepLines && breaksLine) ? '.' : c;
                }
            }
        );
    }

    /// <summary>Control characters, line separators, and marks that turn the direction of what follows.</summary>
    private static bool IsActive(char c) =>
        char.IsControl(c) || c is '\u061C' or '\u200E' or '\u200F' or (>= '\u2028' and <= '\u202E') or (>= '\u2066' and <= '\u2069');
}
