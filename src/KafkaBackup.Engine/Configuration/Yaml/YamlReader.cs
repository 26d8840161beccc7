using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace KafkaBackup.Engine.Configuration.Yaml;

/// <summary>
/// YAML text to nodes with places, through the parser's events. Stricter than YAML: one document with a mapping at its root, no duplicate
/// keys, no tags, no merge keys. Aliases are followed.
/// </summary>
internal sealed class YamlReader
{
    private const int MaxDepth = 32;

    /// <summary>
    /// Aliases counted as what they stand for: otherwise a few bytes of them could become gigabytes. Topics by the ten thousand fit.
    /// </summary>
    private const int MaxValues = 200_000;

    private readonly GuardedParser _parser;
    private readonly string _text;
    private readonly ConfigOrigin _origin;
    private readonly VariableExpansion _expansion;
    private readonly Dictionary<AnchorName, (ConfigNode Node, int Values)> _anchors = [];
    private int _values;

    private YamlReader(string text, ConfigOrigin origin, Func<string, string?> variables)
    {
        _text = text;
        _origin = origin;
        _expansion = new VariableExpansion(variables, origin);
        _parser = new GuardedParser(new StringReader(text));
    }

    /// <exception cref="KafkaBackupException">ConfigSyntax, ConfigVariableUnset.</exception>
    public static ConfigMap Read(string text, ConfigOrigin origin, Func<string, string?> variables)
    {
        var reader = new YamlReader(text, origin, variables);
        try
        {
            return reader.ReadDocument();
        }
        catch (YamlException e)
        {
            throw reader.Explain(e);
        }
    }

    private ConfigMap ReadDocument()
    {
        _parser.Consume<StreamStart>();
        if (_parser.Accept<StreamEnd>(out _))
        {
            throw _origin.Syntax(
                new Position(1, 1),
                "the file is empty.",
                "Give at least the settings that the cmdlet needs; examples/ has a commented file."
            );
        }

        _parser.Consume<DocumentStart>();
        var root = ReadNode(0);
        _parser.Consume<DocumentEnd>();
        if (_parser.TryConsume<DocumentStart>(out var second))
        {
            throw _origin.Syntax(
                At(second),
                "a second document begins here; a file holds one.",
                "Remove the '---', or put the second document into a file of its own."
            );
        }

        return root switch
        {
            ConfigMap map => map,
            ConfigScalar { IsNull: true } => throw _origin.Syntax(root.At, "the file holds no settings."),
            _ => throw _origin.Syntax(root.At, $"the file must hold keys with values, but begins with {Kind(root)}."),
        };
    }

    private ConfigNode ReadNode(int depth)
    {
        if (depth > MaxDepth)
        {
            throw _origin.Syntax(At(_parser.Current!), $"this is nested more than {MaxDepth} levels deep.");
        }

        if (_parser.TryConsume<AnchorAlias>(out var alias))
        {
            if (!_anchors.TryGetValue(alias.Value, out var known))
            {
                throw _origin.Syntax(At(alias), $"the alias *{alias.Value} has no anchor &{alias.Value} before it.");
            }

            Count(known.Values, At(alias));
            return known.Node;
        }

        if (_parser.Current is NodeEvent { Tag.IsEmpty: false } tagged && !IsCoreTag(tagged))
        {
            throw _origin.Syntax(At(tagged), $"tags such as {tagged.Tag} are not supported.", "Remove the tag.");
        }

        var anchor = (_parser.Current as NodeEvent)?.Anchor ?? AnchorName.Empty;
        var before = _values;
        Count(1, At(_parser.Current!));
        var node = ReadUntagged(depth);

        // Known only from here on, so that no node can contain itself.
        if (!anchor.IsEmpty)
        {
            _anchors[anchor] = (node, _values - before);
        }

        return node;
    }

    private void Count(int values, Position at)
    {
        _values += values;
        if (_values > MaxValues)
        {
            throw _origin.Syntax(
                at,
                FormattableString.Invariant($"the file holds more than {MaxValues:N0} values, aliases counted as what they stand for."),
                "Shorten the lists; patterns such as orders-* stand for many topics."
            );
        }
    }

    private ConfigNode ReadUntagged(int depth)
    {
        if (_parser.TryConsume<Scalar>(out var scalar))
        {
            return ReadScalar(scalar);
        }

        if (_parser.TryConsume<SequenceStart>(out var sequence))
        {
            var items = new List<ConfigNode>();
            while (!_parser.TryConsume<SequenceEnd>(out _))
            {
                items.Add(ReadNode(depth + 1));
            }

            return new ConfigList(At(sequence), items);
        }

        return ReadMap(_parser.Consume<MappingStart>(), depth);
    }

    private ConfigMap ReadMap(MappingStart start, int depth)
    {
        var entries = new List<ConfigEntry>();
        var seen = new Dictionary<string, Position>(StringComparer.Ordinal);
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            if (ReadNode(depth + 1) is not ConfigScalar key)
            {
                throw _origin.Syntax(At(_parser.Current!), "a key must be a single value.");
            }

            if (key is { Text: "<<", IsQuoted: false })
            {
                throw _origin.Syntax(
                    key.At,
                    "merge keys (<<) are not supported.",
                    "Write the keys out; an alias (*name) may stand for a whole value."
                );
            }

            if (key.IsNull)
            {
                throw _origin.Syntax(key.At, "a key is empty.");
            }

            if (!seen.TryAdd(key.Text, key.At))
            {
                throw _origin.Syntax(
                    key.At,
                    $"the key '{key.Text}' is given twice; the first is in line {seen[key.Text].Line}.",
                    "Remove one of the two."
                );
            }

            entries.Add(new ConfigEntry(key, ReadNode(depth + 1)));
        }

        return new ConfigMap(At(start), entries);
    }

    private ConfigScalar ReadScalar(Scalar scalar)
    {
        var at = At(scalar);
        var quoted = scalar.Style != ScalarStyle.Plain;
        if (!quoted && scalar.Value is "" or "~" or "null" or "Null" or "NULL")
        {
            return new ConfigScalar(at, scalar.Value, IsNull: !quoted, IsQuoted: quoted);
        }

        var (text, fromVariable) = _expansion.Expand(scalar.Value, at);
        return new ConfigScalar(at, text, IsQuoted: quoted, FromVariable: fromVariable);
    }

    /// <summary>The parser's own words are for people who know its insides; the commonest mistakes get plainer ones.</summary>
    private KafkaBackupException Explain(YamlException e)
    {
        var at = new Position((int)Math.Max(1, e.Start.Line), (int)Math.Max(1, e.Start.Column));

        // When it trips over a tab, the parser points at where the group began, which may be far above.
        var reach = e.Message.Contains("tab", StringComparison.Ordinal) ? int.MaxValue : 1;
        var suspects = _text.Split('\n').Skip(at.Line - 1).Take(reach).ToArray();
        var line = Array.FindIndex(suspects, text => Indentation(text).Contains('\t'));
        if (line >= 0)
        {
            var tab = new Position(at.Line + line, Indentation(suspects[line]).IndexOf('\t') + 1);
            return _origin.Syntax(tab, "the line is indented with a tab; YAML wants spaces.", "Replace the tab by spaces.", e);
        }

        // Empty where the parser counts more lines than there are: other characters break lines for it too.
        var first = suspects.FirstOrDefault("");
        if (first.AsSpan(Math.Min(first.Length, Math.Max(0, at.Column - 2))).StartsWith("${"))
        {
            var variable = new Position(at.Line, at.Column - 1);
            return _origin.Syntax(variable, "a variable inside [ ] or { } must stand in quotes.", "Write \"${NAME}\", with the quotes.", e);
        }

        var message = e.Message.TrimEnd('.');
        return _origin.Syntax(
            at,
            $"this is not valid YAML: {(message.Length == 0 ? "unexpected text" : char.ToLowerInvariant(message[0]) + message[1..])}.",
            null,
            e
        );
    }

    private static ReadOnlySpan<char> Indentation(string line) => line.AsSpan(0, line.Length - line.TrimStart(' ', '\t').Length);

    private static bool IsCoreTag(NodeEvent node) =>
        node.Tag.IsNonSpecific || (node is Scalar && node.Tag.Value == "tag:yaml.org,2002:str");

    private static Position At(ParsingEvent e) => new((int)e.Start.Line, (int)e.Start.Column);

    private static string Kind(ConfigNode node) => node is ConfigList ? "a list" : "a single value";
}
