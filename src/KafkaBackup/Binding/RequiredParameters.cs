namespace KafkaBackup.Binding;

/// <summary>
/// Nothing is mandatory, for a mandatory parameter prompts and hangs a job; what is missing is said in one error instead.
/// </summary>
internal static class RequiredParameters
{
    public static void Check(params (string Parameter, object? Value)[] needs)
    {
        var missing = needs.Where(need => need.Value is null or "").Select(need => "-" + need.Parameter).ToArray();
        if (missing.Length > 0)
        {
            throw ErrorIds.MissingSettings.With(
                $"Not given: {string.Join(", ", missing)}.",
                string.Join(", ", missing),
                $"Give {string.Join(" and ", missing)}."
            );
        }
    }

    /// <summary>Refuses the second of two parameters that contradict each other.</summary>
    public static void AtMostOne(params (string Parameter, bool Given)[] choices) => AtMostOne(null, choices);

    /// <param name="advice">What to do instead; null for the choice of one.</param>
    public static void AtMostOne(string? advice, params (string Parameter, bool Given)[] choices)
    {
        var given = choices.Where(choice => choice.Given).Select(choice => choice.Parameter).ToArray();
        if (given.Length > 1)
        {
            throw ErrorIds.ConfigConflict.With(
                $"{string.Join(" and ", given)} can't be used together.",
                string.Join(", ", given),
                advice ?? $"Use one of {string.Join(", ", given)}."
            );
        }
    }
}
