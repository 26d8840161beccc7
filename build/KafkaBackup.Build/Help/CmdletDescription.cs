namespace KafkaBackup.Build.Help;

/// <summary>What a compiled cmdlet tells of itself.</summary>
internal sealed record CmdletDescription(string Verb, string Noun, IReadOnlyList<ParameterDescription> Parameters)
{
    public string Name => $"{Verb}-{Noun}";

    public string? DefaultParameterSet { get; init; }

    public bool SupportsShouldProcess { get; init; }

    public IReadOnlyList<string> OutputTypes { get; init; } = [];

    /// <summary>Other names of the cmdlet.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>The names of its parameters, -WhatIf and -Confirm included.</summary>
    public IEnumerable<string> AllParameters() =>
        Parameters.Select(parameter => parameter.Name).Concat(SupportsShouldProcess ? ShouldProcessParameters.All.Select(p => p.Name) : []);

    /// <summary>The names of its parameter sets, the default one first; one without a name where no parameter is tied to a set.</summary>
    public IReadOnlyList<string> ParameterSets()
    {
        var named = Parameters
            .SelectMany(parameter => parameter.Bindings)
            .Select(binding => binding.ParameterSet)
            .Where(name => name != ParameterBinding.AllSets)
            .Distinct()
            .Order(StringComparer.Ordinal)
            .ToList();
        return named.Count == 0 ? [ParameterBinding.AllSets] : [.. named.OrderByDescending(name => name == DefaultParameterSet)];
    }
}

internal sealed record ParameterDescription(string Name, string Type, IReadOnlyList<ParameterBinding> Bindings)
{
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>The values of an enumeration or a ValidateSet; empty for all else.</summary>
    public IReadOnlyList<string> Values { get; init; } = [];

    public bool SupportsWildcards { get; init; }

    public bool IsSwitch => Type == "SwitchParameter";

    public ParameterBinding? In(string parameterSet) =>
        Bindings.FirstOrDefault(binding => binding.ParameterSet == parameterSet)
        ?? Bindings.FirstOrDefault(binding => binding.ParameterSet == ParameterBinding.AllSets);
}

/// <summary>How a parameter is given in one parameter set.</summary>
internal sealed record ParameterBinding(
    string ParameterSet,
    bool Mandatory,
    int? Position,
    bool ByValue,
    bool ByPropertyName,
    bool Remaining
)
{
    /// <summary>PowerShell's own name for "in every set".</summary>
    public const string AllSets = "__AllParameterSets";

    /// <summary>As Get-Help words it.</summary>
    public string Pipeline =>
        (ByValue, ByPropertyName) switch
        {
            (true, true) => "true (ByValue, ByPropertyName)",
            (true, false) => "true (ByValue)",
            (false, true) => "true (ByPropertyName)",
            _ => "false",
        };
}
