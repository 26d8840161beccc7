namespace KafkaBackup.Engine.Configuration;

/// <summary>
/// Which topics an operation is about: patterns, and the rule that internal topics (<c>__...</c>) are left out unless asked for
/// (rules A4, B12). Asked for means: by a pattern that itself begins with <c>__</c>, by <c>internal_topics</c>, or all by
/// <c>include_internal_topics</c>.
/// </summary>
public sealed class TopicSelection
{
    private const int ShownNames = 10;

    private readonly PatternSet _patterns;
    private readonly PatternSet _internalAskedFor;
    private readonly bool _allInternal;

    /// <param name="internalTopics">Patterns over internal topics, to be taken in addition. With any given,
    /// <paramref name="includeInternal"/> means these only.</param>
    /// <exception cref="KafkaBackupException">InvalidPattern.</exception>
    public TopicSelection(
        IReadOnlyList<string> include,
        IReadOnlyList<string>? exclude = null,
        bool includeInternal = false,
        IReadOnlyList<string>? internalTopics = null
    )
    {
        _patterns = PatternSet.ForTopics(include, exclude);
        _internalAskedFor = PatternSet.ForTopics([.. include.Where(BeginsInternal), .. internalTopics ?? []], exclude);
        _allInternal = includeInternal && internalTopics is not { Count: > 0 };
        Literals = [.. _patterns.Literals.Union(_internalAskedFor.Literals, StringComparer.Ordinal)];
    }

    public static TopicSelection All { get; } = new(["*"]);

    /// <summary>Names that were asked for one by one: of these it can be said that they are missing.</summary>
    public IReadOnlyList<string> Literals { get; }

    public IReadOnlyList<TopicPattern> Include => _patterns.Include;

    public IReadOnlyList<TopicPattern> Exclude => _patterns.Exclude;

    public bool Selects(string topic) =>
        IsInternal(topic) ? _internalAskedFor.Matches(topic) || (_allInternal && _patterns.Matches(topic)) : _patterns.Matches(topic);

    /// <summary>The error for "none of these": says what was looked for and what is there (rule A9).</summary>
    /// <param name="place">Where it was looked: "The cluster broker:9092", "Backup nightly".</param>
    public KafkaBackupException NothingMatched(string place, IEnumerable<string> available)
    {
        var names = available.Order(StringComparer.Ordinal).ToArray();
        var there = WhatIsThere(names);
        var leftOut = names.Where(name => IsInternal(name) && _patterns.Matches(name)).ToArray();
        return ErrorIds.NothingMatched.With(
            $"{place} has no topic that matches {this}. {there}",
            ToString(),
            names.Length == 0 ? "If it is a cluster, check the user's rights: topics that it may not Describe do not show."
                : leftOut.Length == 0 ? null
                : $"Internal topics such as {leftOut[0]} are left out unless asked for: name them, or include internal topics."
        );
    }

    /// <summary>A sentence that names some of the topics of a place: whoever mistyped one finds it there.</summary>
    public static string WhatIsThere(IReadOnlyCollection<string> names) =>
        names.Count switch
        {
            0 => "It shows no topics.",
            <= ShownNames => $"It has: {string.Join(", ", names)}.",
            _ => $"It has {names.Count} topics, among them: {string.Join(", ", names.Take(ShownNames))}.",
        };

    public override string ToString() => _patterns.ToString();

    private static bool IsInternal(string topic) => topic.StartsWith("__", StringComparison.Ordinal);

    private static bool BeginsInternal(string pattern) => IsInternal(pattern.TrimStart('~').TrimStart('^'));
}
