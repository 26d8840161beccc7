using System.Globalization;
using System.Text.RegularExpressions;

namespace KafkaBackup;

/// <summary>
/// Times as users write them (rules A5, A5a): epoch milliseconds, ISO 8601 with a zone, <c>now</c>, or a span before now (<c>-2h</c>,
/// <c>-1d12h</c>). A time that could mean two instants is refused: without a zone, or in seconds.
/// </summary>
public static partial class TimeText
{
    private const int SecondsDigits = 10;

    // What the years 2001 to 2033 are in micro- and nanoseconds; as milliseconds these are tens of thousands of years away.
    private const long FirstMicroseconds = 1_000_000_000_000_000;
    private const long FirstNanoseconds = 1_000_000_000_000_000_000;

    /// <summary>The time in epoch milliseconds.</summary>
    /// <param name="now">What <c>now</c> and spans before now refer to.</param>
    /// <param name="rounding">Kafka's times are whole milliseconds.</param>
    /// <exception cref="KafkaBackupException">InvalidTime.</exception>
    public static long Parse(string text, DateTimeOffset now, TimeRounding rounding = TimeRounding.Down) =>
        ParsePoint(text, now, rounding).Milliseconds ?? KafkaTime.ToMilliseconds(now, rounding);

    /// <summary>As <see cref="Parse"/>, but <c>now</c> stays "now", to be fixed when the operation begins.</summary>
    /// <exception cref="KafkaBackupException">InvalidTime.</exception>
    public static TimePoint ParsePoint(string text, DateTimeOffset now, TimeRounding rounding = TimeRounding.Down)
    {
        var trimmed = text.Trim();
        if (trimmed.Equals("now", StringComparison.OrdinalIgnoreCase))
        {
            return TimePoint.Now;
        }

        if (trimmed.Length > 0 && trimmed.All(char.IsAsciiDigit))
        {
            return new TimePoint(FromDigits(trimmed));
        }

        if (trimmed.StartsWith('-'))
        {
            return new TimePoint(FromSpan(trimmed, now, rounding));
        }

        return new TimePoint(FromIso(trimmed, rounding));
    }

    /// <summary>Checks a number that is meant to be epoch milliseconds.</summary>
    /// <exception cref="KafkaBackupException">InvalidTime: negative, or of the size of seconds, microseconds or nanoseconds.</exception>
    public static long CheckMilliseconds(long value)
    {
        var text = value.ToString(CultureInfo.InvariantCulture);
        if (value < 0)
        {
            throw ErrorIds.InvalidTime.With(
                $"{text} is not a time: epoch milliseconds are not negative; a span before now has a unit, such as -2h.",
                text
            );
        }

        if (text.Length == SecondsDigits)
        {
            throw ErrorIds.InvalidTime.With(
                $"{text} looks like seconds; times are epoch milliseconds.",
                text,
                $"If it is seconds, write {text}000 ({Show(value, 1000)})."
            );
        }

        if (value is >= FirstMicroseconds and < 2 * FirstMicroseconds)
        {
            throw ErrorIds.InvalidTime.With(
                $"{text} looks like microseconds; times are epoch milliseconds.",
                text,
                $"If it is microseconds, write {text[..^3]}."
            );
        }

        if (value is >= FirstNanoseconds and < 2 * FirstNanoseconds)
        {
            throw ErrorIds.InvalidTime.With(
                $"{text} looks like nanoseconds; times are epoch milliseconds.",
                text,
                $"If it is nanoseconds, write {text[..^6]}."
            );
        }

        return value;
    }

    private static long FromDigits(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? CheckMilliseconds(value) : throw Refuse(text);

    private static long FromSpan(string text, DateTimeOffset now, TimeRounding rounding)
    {
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var bare))
        {
            return CheckMilliseconds(bare);
        }

        if (!DurationText.TryParseUnits(text[1..], out var span))
        {
            throw Refuse(text);
        }

        return span <= now - DateTimeOffset.UnixEpoch
            ? KafkaTime.ToMilliseconds(now - span, rounding)
            : throw ErrorIds.InvalidTime.With($"{Redaction.Show(text)} is before 1970.", text);
    }

    private static long FromIso(string text, TimeRounding rounding)
    {
        var match = Iso8601().Match(text);
        if (!match.Success)
        {
            throw Refuse(text);
        }

        // Read as UTC first: whether it is a time at all comes before whether it has a zone.
        var local = $"{match.Groups["date"].Value}T{(match.Groups["time"].Success ? match.Groups["time"].Value : "00:00")}";
        if (
            !DateTime.TryParseExact(
                local,
                ["yyyy-MM-ddTHH:mm", "yyyy-MM-ddTHH:mm:ss"],
                CultureInfo.InvariantCulture,
                DateTimeStyles.None,
                out var time
            )
        )
        {
            throw Refuse(text);
        }

        if (!match.Groups["zone"].Success)
        {
            throw ErrorIds.InvalidTime.With(
                $"{Redaction.Show(text)} has no time zone, so it could be any of 26 hours.",
                text,
                $"Write {local}Z if it is UTC, or {local}+01:00 with your own distance from UTC."
            );
        }

        return ToMilliseconds(text, time, match.Groups["fraction"].Value, match.Groups["zone"].Value, rounding);
    }

    private static long ToMilliseconds(string text, DateTime time, string fraction, string zone, TimeRounding rounding)
    {
        var offset = TimeSpan.Zero;
        if (zone is not ("Z" or "z"))
        {
            var digits = zone[1..].Replace(":", "", StringComparison.Ordinal).PadRight(4, '0');
            var hours = int.Parse(digits.AsSpan(0, 2), CultureInfo.InvariantCulture);
            var minutes = int.Parse(digits.AsSpan(2, 2), CultureInfo.InvariantCulture);
            if (hours > 14 || minutes > 59)
            {
                throw Refuse(text);
            }

            offset = new TimeSpan(hours, minutes, 0) * (zone[0] == '-' ? -1 : 1);
        }

        var milliseconds = fraction.Length == 0 ? 0 : int.Parse(fraction.PadRight(3, '0').AsSpan(0, 3), CultureInfo.InvariantCulture);
        milliseconds += rounding == TimeRounding.Up && fraction.Skip(3).Any(digit => digit != '0') ? 1 : 0;
        var sinceEpoch = time - DateTime.UnixEpoch - offset;
        var result = (sinceEpoch.Ticks / TimeSpan.TicksPerMillisecond) + milliseconds;
        return result >= 0 ? result : throw ErrorIds.InvalidTime.With($"{Redaction.Show(text)} is before 1970.", text);
    }

    private static KafkaBackupException Refuse(string text) => ErrorIds.InvalidTime.With($"{Redaction.Show(text)} is not a time.", text);

    private static string Show(long value, int factor) =>
        KafkaTime.ToDateTimeOffset(value * factor) is { } time ? $"{time:yyyy-MM-ddTHH:mm:ssZ}" : $"{value * factor}";

    [GeneratedRegex(
        @"^(?<date>\d{4}-\d{2}-\d{2})([Tt ](?<time>\d{2}:\d{2}(:\d{2})?)([.,](?<fraction>\d{1,9}))?)?\s?(?<zone>[Zz]|[+-]\d{2}(:?\d{2})?)?$",
        RegexOptions.CultureInvariant
    )]
    private static partial Regex Iso8601();
}
