using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Catalog;

/// <summary>A page of the next generation: one that is kept has a reference, a new one has none yet.</summary>
internal sealed record PlannedPage<T>(PageReference? Kept, IReadOnlyList<T> Items);

/// <summary>
/// A growing list as pages and a tail that stands in the head. Adding touches the tail only; a full tail goes into the last page, which is
/// rewritten until it is full. So a commit costs the same however much is stored.
/// </summary>
internal static class PageCutting
{
    public static (List<PlannedPage<T>> Pages, List<T> Tail) Update<T>(
        IReadOnlyList<LaidOutPage<T>> pages,
        IReadOnlyList<T> tail,
        Predicate<T>? isRemoved,
        IReadOnlyList<T> added,
        int pageSize,
        int tailSize
    )
    {
        var planned = new List<PlannedPage<T>>(pages.Count + 1);
        foreach (var page in pages)
        {
            AddOrJoin(planned, Filter(page, isRemoved), pageSize);
        }

        List<T> newTail = isRemoved is null ? [.. tail] : tail.Where(t => !isRemoved(t)).ToList();
        newTail.AddRange(added);
        if (newTail.Count > tailSize)
        {
            Seal(planned, newTail, pageSize);
            newTail.Clear();
        }

        return (planned, newTail);
    }

    private static PlannedPage<T> Filter<T>(LaidOutPage<T> page, Predicate<T>? isRemoved)
    {
        if (isRemoved is not null && page.Items.Any(i => isRemoved(i)))
        {
            return new PlannedPage<T>(null, page.Items.Where(i => !isRemoved(i)).ToList());
        }

        return new PlannedPage<T>(page.Whole ? page.Reference : null, page.Items);
    }

    /// <summary>
    /// Pages that shrank are joined with their neighbours, so that years of removals do not leave a thousand pages of one entry.
    /// </summary>
    private static void AddOrJoin<T>(List<PlannedPage<T>> planned, PlannedPage<T> page, int pageSize)
    {
        if (page.Items.Count == 0)
        {
            return;
        }

        if (planned.Count > 0 && (page.Kept is null || planned[^1].Kept is null) && planned[^1].Items.Count + page.Items.Count <= pageSize)
        {
            planned[^1] = new PlannedPage<T>(null, [.. planned[^1].Items, .. page.Items]);
        }
        else
        {
            planned.Add(page);
        }
    }

    private static void Seal<T>(List<PlannedPage<T>> planned, List<T> tail, int pageSize)
    {
        var items = tail;
        if (planned.Count > 0 && planned[^1].Items.Count < pageSize)
        {
            items = [.. planned[^1].Items, .. tail];
            planned.RemoveAt(planned.Count - 1);
        }

        planned.AddRange(items.Chunk(pageSize).Select(chunk => new PlannedPage<T>(null, chunk)));
    }
}
