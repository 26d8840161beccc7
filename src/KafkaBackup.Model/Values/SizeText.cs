using System.Globalization;
using System.Text.RegularExpressions;

namespace KafkaBackup;

/// <summary>
/// Sizes as users write them: bytes, or a number with a unit. As in PowerShell, KB, MB, GB and TB are powers of 1024, and so are KiB and
/// its kind.
/// </summary>
public static partial class SizeText
{
    /// <exception cref="KafkaBackupException">InvalidSize.</exception>
    public static long Parse(string text)
    {
        var match = Size().Match(text.Trim());
        if (!match.Success)
        {
            throw ErrorIds.InvalidSize.With($"{Redaction.Show(text)} is not a size.", text);
        }

        var factor = match.Groups["unit"].Value.ToUpperInvariant() switch
        {
            "K" => 1L << 10,
            "M" => 1L << 20,
            "G" => 1L << 30,
            "T" => 1L << 40,
            _ => 1L,
        };
        if (
            !decimal.TryParse(
                match.Groups["number"].ValueSpan,
                NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture,
                out var number
            )
            || number > (decimal)long.MaxValue / factor
        )
        {
            throw ErrorIds.InvalidSize.With($"{Redaction.Show(text)} is more bytes than can be counted.", text);
        }

        var bytes = number * factor;
        return bytes == decimal.Truncate(bytes)
            ? (long)bytes
            : throw ErrorIds.InvalidSize.With($"{Redaction.Show(text)} is not a whole number of bytes.", text);
    }

    [GeneratedRegex(
        @"^(?<number>\d+(\.\d+)?)\s*((?<unit>[KMGT])(i?B)?|B)?$",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture
    )]
    private static partial Regex Size();
}
