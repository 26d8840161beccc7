using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace KafkaBackup;

/// <summary>A read-only map that prints as a short summary, for the same reason as <see cref="ItemList{T}"/>.</summary>
public sealed class ItemDictionary(IReadOnlyDictionary<string, string> items) : IReadOnlyDictionary<string, string>
{
    public int Count => items.Count;

    public IEnumerable<string> Keys => items.Keys;

    public IEnumerable<string> Values => items.Values;

    public string this[string key] => items[key];

    public static ItemDictionary From(IReadOnlyDictionary<string, string> items) => items as ItemDictionary ?? new ItemDictionary(items);

    public bool ContainsKey(string key) => items.ContainsKey(key);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out string value) => items.TryGetValue(key, out value);

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() =>
        string.Join("; ", items.OrderBy(item => item.Key, StringComparer.Ordinal).Select(item => $"{item.Key}={item.Value}"));
}
