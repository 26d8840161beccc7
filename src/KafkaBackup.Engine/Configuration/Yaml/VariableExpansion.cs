using System.Text;
using System.Text.RegularExpressions;

namespace KafkaBackup.Engine.Configuration.Yaml;

/// <summary>
/// <c>${NAME}</c>, <c>${NAME:-default}</c> and <c>$${</c> for a literal <c>${</c> (rule A3). Works on single values after parsing, so that
/// what a variable holds can never become YAML. A variable that is empty counts as unset: Windows knows no difference.
/// </summary>
internal sealed partial class VariableExpansion(Func<string, string?> variables, ConfigOrigin origin)
{
    /// <returns>The text, and whether any of it came from the environment.</returns>
    public (string Text, bool FromVariable) Expand(string text, Position at)
    {
        if (!text.Contains("${", StringComparison.Ordinal))
        {
            return (text, false);
        }

        var result = new StringBuilder();
        var fromVariable = false;
        for (var i = 0; i < text.Length;)
        {
            var rest = text.AsSpan(i);
            if (rest.StartsWith("$${", StringComparison.Ordinal))
            {
                result.Append("${");
                i += 3;
            }
            else if (rest.StartsWith("${", StringComparison.Ordinal))
            {
                var match = Variable().Match(text, i);
                if (!match.Success)
                {
                    throw origin.Syntax(
                        at,
                        "'${' begins a variable, but what follows is not ${NAME} or ${NAME:-default}.",
                        "Correct it, or write $${ for a literal ${. Defaults cannot hold variables."
                    );
                }

                var value = variables(match.Groups["name"].Value);
                fromVariable |= !string.IsNullOrEmpty(value);
                result.Append(string.IsNullOrEmpty(value) ? DefaultOf(match, at) : value);
                i += match.Length;
            }
            else
            {
                result.Append(text[i++]);
            }
        }

        return (result.ToString(), fromVariable);
    }

    private string DefaultOf(Match match, Position at)
    {
        var name = match.Groups["name"].Value;
        return match.Groups["default"].Success
            ? match.Groups["default"].Value
            : throw ErrorIds.ConfigVariableUnset.With(
                $"{origin.Locate(at)}: the environment variable {name} is not set or empty.",
                name,
                $"Set {name}, or give a default: ${{{name}:-default}}."
            );
    }

    [GeneratedRegex(
        @"\G\$\{(?<name>[A-Za-z_][A-Za-z0-9_]*)(:-(?<default>((?!\$\{)[^}])*))?\}",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture
    )]
    private static partial Regex Variable();
}
