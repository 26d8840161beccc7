using System.Globalization;

namespace KafkaBackup.Binding;

/// <summary>A share of a backup: <c>2/7</c> is the second of seven turns.</summary>
public sealed class SampleFormAttribute : ArgumentFormAttribute
{
    private protected override object Read(object argument)
    {
        if (ArgumentText.Unwrap(argument) is Sample sample)
            return sample;

        var text = ArgumentText.Of(argument);
        var parts = text.Split('/');
        if (
            parts.Length == 2
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var turn)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var turns)
            && turn >= 1
            && turn <= turns
        )
        {
            return new Sample(turn, turns);
        }

        throw ErrorIds.ConfigWrongType.With(
            $"{Redaction.Show(text)} is not a sample.",
            text,
            "Write the turn and the number of turns: 1/7, 2/7, up to 7/7."
        );
    }
}
