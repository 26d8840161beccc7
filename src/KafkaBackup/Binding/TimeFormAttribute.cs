using System.Globalization;

namespace KafkaBackup.Binding;

/// <summary>
/// Times: DateTimeOffset, DateTime by its kind, epoch milliseconds, ISO 8601 with a zone, <c>-2h</c>, <c>now</c> (rule A5a). A DateTime of
/// no kind is refused like a string without a zone: both could mean two instants.
/// </summary>
public sealed class TimeFormAttribute : ArgumentFormAttribute
{
    /// <summary>The instant in epoch milliseconds, "now" fixed to this one.</summary>
    internal static long? Milliseconds(TimePoint? time) =>
        time is { } given ? given.Milliseconds ?? DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() : null;

    /// <summary>For the start of a window; anything else rounds down.</summary>
    public bool RoundUp { get; set; }

    private TimeRounding Rounding => RoundUp ? TimeRounding.Up : TimeRounding.Down;

    private protected override object Read(object argument) =>
        ArgumentText.Unwrap(argument) switch
        {
            TimePoint time => time,
            DateTimeOffset time => new TimePoint(KafkaTime.ToMilliseconds(time, Rounding)),
            DateTime { Kind: DateTimeKind.Unspecified } time => throw Refuse(time),
            DateTime time => new TimePoint(KafkaTime.ToMilliseconds(new DateTimeOffset(time), Rounding)),
            _ => TimeText.ParsePoint(ArgumentText.Of(argument), DateTimeOffset.UtcNow, Rounding),
        };

    private static KafkaBackupException Refuse(DateTime time)
    {
        var text = time.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture);
        return ErrorIds.InvalidTime.With(
            $"The DateTime {text} says neither local nor UTC, so it could be any of 26 hours.",
            text,
            $"Write '{text}Z' if it is UTC, or make it exact: ([DateTimeOffset]'{text}+01:00')."
        );
    }
}
