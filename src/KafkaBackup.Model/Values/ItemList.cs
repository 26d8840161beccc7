using System.Collections;

namespace KafkaBackup;

/// <summary>
/// A read-only list that prints as a short summary. Results go through Export-Csv, which writes ToString() of every property: an array
/// would come out as "System.Object[]" there (rule H3).
/// </summary>
public sealed class ItemList<T>(IReadOnlyList<T> items) : IReadOnlyList<T>
{
    private const int ShownItems = 3;

    public int Count => items.Count;

    public T this[int index] => items[index];

    public IEnumerator<T> GetEnumerator() => items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() =>
        items.Count switch
        {
            0 => "",
            <= ShownItems => string.Join("; ", items),
            _ => $"{string.Join("; ", items.Take(ShownItems))}; ... ({items.Count} in all)",
        };
}

public static class ItemList
{
    public static ItemList<T> Empty<T>() => new([]);

    public static ItemList<T> From<T>(IEnumerable<T> items) => new(items as IReadOnlyList<T> ?? items.ToArray());
}
