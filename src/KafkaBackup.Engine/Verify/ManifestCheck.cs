using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Verify;

/// <summary>A page, or a page's copy, that is not what the heads say.</summary>
/// <param name="Key">Below the backup.</param>
/// <param name="Twin">The whole one of the two; null when both are bad.</param>
internal sealed record BadPage(string Key, string? Twin, PageReference Reference);

/// <param name="AbsurdHeads">Keys below the backup of what is named like a head, with a number that no backup reaches.</param>
internal sealed record ManifestCheckResult(
    IReadOnlyList<long> Generations,
    IReadOnlyList<long> BadHeads,
    IReadOnlyList<string> AbsurdHeads,
    IReadOnlyList<BadPage> BadPages,
    IReadOnlyList<Finding> Findings
);

/// <summary>
/// Looks at every head and at both copies of every page, where opening a backup is content with the first that serves: what is damaged
/// today is missing on the day when the other one breaks.
/// </summary>
internal sealed class ManifestCheck(IStore store, string backupId)
{
    private const string HeadAdvice = "The newer heads serve. Repair-KafkaBackup removes it.";

    private readonly HeadSearch _search = new(store, backupId);
    private readonly List<long> _badHeads = [];
    private readonly List<BadPage> _badPages = [];
    private readonly List<Finding> _findings = [];

    public async Task<ManifestCheckResult> RunAsync(CancellationToken cancel)
    {
        var generations = await _search.ListGenerationsAsync(cancel).ConfigureAwait(false);
        var pages = new Dictionary<string, PageReference>(StringComparer.Ordinal);
        foreach (var generation in generations)
        {
            foreach (var page in await ReadHeadAsync(generation, cancel).ConfigureAwait(false))
            {
                pages[page.Key] = page;
            }
        }

        foreach (var page in pages.Values.OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            await CheckPageAsync(page, cancel).ConfigureAwait(false);
        }

        return new ManifestCheckResult(generations, _badHeads, [.. _search.AbsurdHeads], _badPages, _findings);
    }

    private async Task<IEnumerable<PageReference>> ReadHeadAsync(long generation, CancellationToken cancel)
    {
        var key = BackupKeys.Of(backupId, BackupKeys.Head(generation));
        if (await _search.ReadAsync(generation, cancel).ConfigureAwait(false) is { } head)
        {
            return ManifestLayout.PageReferencesOf(head);
        }

        // A writer at work removes old heads while we look.
        if (await store.FindAsync(key, cancel).ConfigureAwait(false) is null)
        {
            return [];
        }

        if (await _search.ReadAsync(generation, cancel).ConfigureAwait(false) is { } again)
        {
            _findings.Add(TransientDamage.Finding(key));
            return ManifestLayout.PageReferencesOf(again);
        }

        _badHeads.Add(generation);
        _findings.Add(
            new Finding(
                FindingSeverity.Warning,
                FindingKind.ManifestDamaged,
                key,
                $"The head of generation {generation} is damaged.",
                HeadAdvice
            )
        );
        return [];
    }

    private async Task CheckPageAsync(PageReference page, CancellationToken cancel)
    {
        if (!page.Key.StartsWith(BackupKeys.Pages, StringComparison.Ordinal))
        {
            return;
        }

        var copy = BackupKeys.CopyOfPage(page.Key);
        var pageIsWhole = await IsWholeAsync(page.Key, page, cancel).ConfigureAwait(false);
        var copyIsWhole = await IsWholeAsync(copy, page, cancel).ConfigureAwait(false);
        if (!pageIsWhole)
        {
            Report(page.Key, copyIsWhole ? copy : null, page, "page");
        }

        if (!copyIsWhole)
        {
            Report(copy, pageIsWhole ? page.Key : null, page, "copy of a page");
        }
    }

    private async ValueTask<bool> IsWholeAsync(string key, PageReference page, CancellationToken cancel)
    {
        var full = BackupKeys.Of(backupId, key);
        for (var look = 1; look <= 2; look++)
        {
            if (
                await ObjectReading.ReadWholeAsync(store, full, page.Size, cancel).ConfigureAwait(false) is { } bytes
                && ManifestValidation.ReadPage(page, bytes) is not null
            )
            {
                if (look > 1)
                {
                    _findings.Add(TransientDamage.Finding(full));
                }

                return true;
            }
        }

        return false;
    }

    private void Report(string key, string? twin, PageReference page, string what)
    {
        _badPages.Add(new BadPage(key, twin, page));
        _findings.Add(
            new Finding(
                FindingSeverity.Warning,
                FindingKind.ManifestDamaged,
                BackupKeys.Of(backupId, key),
                twin is null
                    ? $"A {what} of the manifest is missing or damaged, and so is its twin."
                    : $"A {what} of the manifest is missing or damaged; its twin '{twin}' is whole and serves.",
                twin is null ? "Repair-KafkaBackup rebuilds what can be known from the segments." : "Repair-KafkaBackup rewrites it."
            )
        );
    }
}
