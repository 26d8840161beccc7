namespace KafkaBackup.Engine.Configuration;

/// <summary>Patterns that include and patterns that exclude; exclude wins. Immutable; literal names cost one look-up however many there are.</summary>
public sealed class PatternSet
{
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
    public IReadOnlyList<string> Literals => _include.All.Where(p => p.IsLiteral && !_exclude.Matches(p.Text)).Select(p => p.Text).Distinct().ToArray();

    /// <exception cref="KafkaBackupException">InvalidPattern.</exception>
    public static PatternSet ForTopics(IEnumerable<string> include, IEnumerable<string>? exclude = null) =>
        new(new Half(include.Select(TopicPattern.ForTopics)), new Half((exclude ?? []).Select(TopicPattern.ForTopics)));

    /// <summary>Over names of any kind: consumer groups, headers.</summary>
    /// <exception cref="KafkaBackupException">InvalidPattern.</exception>
    public static PatternSet ForNames(IEnumerable<string> include, IEnumerable<string>? exclude = null) =>
        new(new Half(include.Select(TopicPattern.ForNames)), new Half((exclude ?? []).Select(TopicPattern.ForNames)));

    public bool Matches(string name) => _include.Matches(name) && !_exclude.Matches(name);

    public override string ToString()
    {
        var included = string.Join(", ", Include);
        return _exclude.All.Length == 0 ? included : $"{included} (without {string.Join(", ", Exclude)})";
    }

    private sealed class Half
    {
        private readonly HashSet<string> _literals;
        private readonly TopicPattern[] _patterns;

        public Half(IEnumerable<TopicPattern> patterns)
        {
            All = patterns.ToArray();
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
