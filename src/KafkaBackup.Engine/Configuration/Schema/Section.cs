using System.Collections.Immutable;
using KafkaBackup.Engine.Configuration.Yaml;

namespace KafkaBackup.Engine.Configuration.Schema;

/// <summary>A key as documentation lists it.</summary>
internal sealed record KeyInfo(string Path, string Form, string Help);

/// <summary>
/// One group of keys and what each does to the settings: the only place that knows them. Reading, checking, "did you mean" and the list in
/// the documentation all come from here. Immutable: each call returns a section with one key more.
/// </summary>
internal sealed class Section<T>
{
    private readonly ImmutableList<Key> _keys;
    private readonly ImmutableDictionary<string, Outsider> _outsiders;

    public Section()
        : this([], ImmutableDictionary<string, Outsider>.Empty) { }

    private Section(ImmutableList<Key> keys, ImmutableDictionary<string, Outsider> outsiders)
    {
        _keys = keys;
        _outsiders = outsiders;
    }

    /// <summary>All keys, those of groups below included, in the order of the schema.</summary>
    public IEnumerable<KeyInfo> Keys => _keys.SelectMany(key => key.Infos);

    public Section<T> With<V>(string name, Form<V> form, Func<T, V, T> set, string help) =>
        With(name, form, (settings, value, _, _) => set(settings, value), help);

    /// <summary>For keys that may clash with others.</summary>
    public Section<T> With<V>(string name, Form<V> form, Func<T, V, ConfigNode, Reading, T> set, string help) =>
        Add(
            new Key(name, (settings, node, at) => set(settings, form.Read(node, at), node, at), [new KeyInfo(name, form.Description, help)])
        );

    /// <summary>A group of keys below this one. An empty one is allowed: what is left when all its keys are commented out.</summary>
    public Section<T> WithGroup<C>(string name, Section<C> group, Func<T, C> get, Func<T, C, ConfigNode, Reading, T> set) =>
        Add(
            new Key(
                name,
                (settings, node, at) =>
                    node is ConfigScalar { IsNull: true } ? settings : set(settings, group.Read(get(settings), node, at), node, at),
                group.Keys.Select(info => info with { Path = $"{name}.{info.Path}" }).ToArray()
            )
        );

    /// <summary>Takes the keys of another section in, side by side with our own.</summary>
    public Section<T> Including<C>(Section<C> other, Func<T, C> get, Func<T, C, T> set) =>
        new(
            _keys.AddRange(
                other._keys.Select(key => new Key(
                    key.Name,
                    (settings, node, at) => set(settings, key.Read(get(settings), node, at)),
                    key.Infos
                ))
            ),
            _outsiders
        );

    /// <summary>A key of the other tool that has no meaning here: a warning that says why.</summary>
    public Section<T> Ignoring(string name, string why) => new(_keys, _outsiders.Add(name, new Outsider(why, IsRefused: false)));

    /// <summary>A key that cannot be left out of account without doing something else than the user wants.</summary>
    public Section<T> Refusing(string name, string why) => new(_keys, _outsiders.Add(name, new Outsider(why, IsRefused: true)));

    public T Read(T settings, ConfigNode node, Reading at)
    {
        var map = node as ConfigMap ?? throw at.WrongType(node, "a group of keys");
        foreach (var entry in map.Entries)
        {
            var below = at.Below(entry.Key.Text);
            if (_keys.Find(key => key.Name == entry.Key.Text) is { } known)
            {
                settings = known.Read(settings, entry.Value, below);
            }
            else if (_outsiders.TryGetValue(entry.Key.Text, out var outsider) && !outsider.IsRefused)
            {
                at.Warn($"{at.Origin.Locate(entry.Key.At)}: {below.Path} is ignored: {outsider.Why}");
            }
            else
            {
                throw Unknown(entry.Key, at, outsider?.Why);
            }
        }

        return settings;
    }

    private Section<T> Add(Key key) => new(_keys.Add(key), _outsiders);

    private KafkaBackupException Unknown(ConfigScalar key, Reading at, string? why)
    {
        var place = $"{at.Origin.Locate(key.At)}: {at.Below(key.Text).Path}";
        if (why is not null)
        {
            return ErrorIds.ConfigUnknownKey.With($"{place} cannot be used: {why}", at.Below(key.Text).Path, "Remove the key.");
        }

        if (at.KnownPaths.FirstOrDefault(path => path.EndsWith($".{key.Text}", StringComparison.Ordinal)) is { } elsewhere)
        {
            return ErrorIds.ConfigUnknownKey.With(
                $"{place} is in the wrong place; did you mean {elsewhere}?",
                at.Below(key.Text).Path,
                $"Move it under {elsewhere[..^(key.Text.Length + 1)]}."
            );
        }

        var names = _keys.Select(k => k.Name).ToArray();
        var nearest = NearestName.Find(key.Text, names);
        return ErrorIds.ConfigUnknownKey.With(
            $"{place} is not a known key{(nearest is null ? "" : $"; did you mean {nearest}?")}",
            at.Below(key.Text).Path,
            nearest is null ? $"Known here: {string.Join(", ", names)}." : $"Write {nearest}, or remove the key."
        );
    }

    private sealed record Key(string Name, Func<T, ConfigNode, Reading, T> Read, IReadOnlyList<KeyInfo> Infos);

    private sealed record Outsider(string Why, bool IsRefused);
}
