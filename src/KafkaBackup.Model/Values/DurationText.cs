using System.Globalization;
using System.Text.RegularExpressions;

namespace KafkaBackup;

/// <summary>
/// Durations as users write them: numbers with units, <c>500ms</c>, <c>30s</c>, <c>5m</c>, <c>2h</c>, <c>1d</c>, <c>1h30m</c>, or .NET's
/// <c>[d.]hh:mm:ss</c>. A bare number is refused: PowerShell would make 60 days or 6 microseconds of 60 (rule A5a).
/// </summary>
public static partial class DurationText
{
    /// <summary>A hundred years: far inside what TimeSpan and timers can hold, far outside what anybody means.</summary>
    private const decimal Longest = 100m * 366 * 86_400_000;

    private static readonly (string Unit, decimal Factor)[] Factors =
    [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ];

    /// <exception cref="KafkaBackupException">InvalidDuration.</exception>
    public static TimeSpan Parse(string text)
    {
        var trimmed = text.Trim();
        if (TryParseUnits(trimmed, out var span))
        {
            return span;
        }

        if (
            trimmed.Contains(':', StringComparison.Ordinal)
            && TimeSpan.TryParseExact(trimmed, ["c", @"h\:mm", @"h\:mm\:ss"], CultureInfo.InvariantCulture, out span)
            && span >= TimeSpan.Zero
        )
        {
            return span;
        }

        if (trimmed.Length > 0 && trimmed.All(c => char.IsAsciiDigit(c) || c == '.'))
        {
            throw ErrorIds.InvalidDuration.With(
                $"{Redaction.Show(text)} has no unit.",
                text,
                $"Write {trimmed}s for seconds, {trimmed}m for minutes, {trimmed}h for hours."
            );
        }

        throw ErrorIds.InvalidDuration.With($"{Redaction.Show(text)} is not a duration.", text);
    }

    /// <summary>The shortest exact spelling: <c>1h30m</c>.</summary>
    public static string Spell(TimeSpan span)
    {
        if (span == TimeSpan.Zero)
        {
            return "0s";
        }

        string Part(int value, string unit) => value == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{value}{unit}");
        return Part(span.Days, "d")
            + Part(span.Hours, "h")
            + Part(span.Minutes, "m")
            + Part(span.Seconds, "s")
            + Part(span.Milliseconds, "ms");
    }

    internal static bool TryParseUnits(string text, out TimeSpan span)
    {
        span = default;
        var match = Units().Match(text);
        if (!match.Success || text.Length == 0)
        {
            return false;
        }

        var milliseconds = 0m;
        foreach (var (unit, factor) in Factors)
        {
            if (!match.Groups[unit].Success)
            {
                continue;
            }

            if (
                !decimal.TryParse(
                    match.Groups[unit].ValueSpan,
                    NumberStyles.AllowDecimalPoint,
                    CultureInfo.InvariantCulture,
                    out var number
                )
                || number > Longest / factor
            )
            {
                return false;
            }

            milliseconds += number * factor;
        }

        if (milliseconds > Longest)
        {
            return false;
        }

        span = TimeSpan.FromTicks((long)(milliseconds * TimeSpan.TicksPerMillisecond));
        return true;
    }

    [GeneratedRegex(
        @"^((?<d>\d+(\.\d+)?)d)?((?<h>\d+(\.\d+)?)h)?((?<m>\d+(\.\d+)?)m(?!s))?((?<s>\d+(\.\d+)?)s)?((?<ms>\d+(\.\d+)?)ms)?$",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture
    )]
    private static partial Regex Units();
}
