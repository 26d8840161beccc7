namespace KafkaBackup.Engine.Configuration;

/// <summary>
/// Patterns that include and patterns that exclude; exclude wins. Immutable; literal names cost one look-up however many there are.
/// </summary>
public sealed class PatternSet
{
    private const int Shown = 20;

    private readonly Half _include;
    private readonly Half _exclude;

    private PatternSet(Half include, Half exclude)
    {
        _include = include;
        _exclude = exclude;
    }

    /// <summary>The included patterns as the user wrote them.</summary>
    public IReadOnlyList<TopicPattern> Include => _include.All;

    public IReadOnlyList<TopicPattern> Exclude => _exclude.All;

    /// <summary>Names that were asked for one by one and are not excluded: of these it can be said that they are missing.</summary>
    public IReadOnlyList<string> Literals =>
        _include.All.Where(p => p.IsLiteral && !_exclude.Matches(p.Text)).Select(p => p.Text).Distinct().ToArray();

    /// <exception cref="KafkaBackupException">InvalidPattern.</exception>
    public static PatternSet ForTopics(IEnumerable<string> include, IEnumerable<string>? exclude = null) =>
        new(new Half(include, TopicPattern.ForTopics), new Half(exclude ?? [], TopicPattern.ForTopics));

    /// <summary>Over names of any kind: consumer groups, headers.</summary>
    /// <exception cref="KafkaBackupException">InvalidPattern.</exception>
    public static PatternSet ForNames(IEnumerable<string> include, IEnumerable<string>? exclude = null) =>
        new(new Half(include, TopicPattern.ForNames), new Half(exclude ?? [], TopicPattern.ForNames));

    public bool Matches(string name) => _include.Matches(name) && !_exclude.Matches(name);

    public override string ToString()
    {
        var included = Text(Include);
        return _exclude.All.Length == 0 ? included : $"{included} (without {Text(Exclude)})";
    }

    private static string Text(IReadOnlyList<TopicPattern> patterns) =>
        string.Join(", ", patterns.Take(Shown)) + (patterns.Count > Shown ? $" and {patterns.Count - Shown} more" : "");

    private sealed class Half
    {
        private readonly HashSet<string> _literals;
        private readonly TopicPattern[] _patterns;

        public Half(IEnumerable<string> texts, Func<string, TopicPattern> read)
        {
            var distinct = texts.Distinct(StringComparer.Ordinal).ToArray();
            TopicPattern.CheckExpressions(distinct);
            All = distinct.Select(read).ToArray();
            _literals = All.Where(p => p.IsLiteral).Select(p => p.Text).ToHashSet(StringComparer.Ordinal);
            _patterns = All.Where(p => !p.IsLiteral).ToArray();
        }

        public TopicPattern[] All { get; }

        public bool Matches(string name)
        {
            if (_literals.Contains(name))
            {
                return true;
            }

            foreach (var pattern in _patterns)
            {
                if (pattern.Matches(name))
                {
                    return true;
                }
            }

            return false;
        }
    }
}
