using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Blocks;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Reads every byte of the segments that a plan needs (SEMANTICS D2). A damaged one is read again before it is called so; it is left out of the
/// plan, and the finding says which records that costs.
/// </summary>
internal sealed class DeepSelection(BackupCatalog catalog, OpenedBackup backup, BlockBufferPool pool, IEngineEvents events)
{
    public async Task<IReadOnlyList<SourceWork>> CheckAsync(IReadOnlyList<SourceWork> sources, List<Finding> findings, CancellationToken cancel)
    {
        var whole = new List<SourceWork>(sources.Count);
        foreach (var source in sources)
        {
            var sound = new List<SegmentWork>(source.Segments.Count);
            foreach (var segment in source.Segments)
            {
                if (await IsSoundAsync(source.Source, segment, findings, cancel).ConfigureAwait(false))
                {
                    sound.Add(segment);
                }
            }

            events.Verbose($"Checked {source.Source}: {sound.Count} of {source.Segments.Count} segments are sound.");
            whole.Add(new SourceWork(source.Source, sound));
        }

        return whole;
    }

    private async Task<bool> IsSoundAsync(TopicPartition source, SegmentWork segment, List<Finding> findings, CancellationToken cancel)
    {
        var stored = catalog.Segment(backup, source.Topic, source.Partition, segment.Entry);
        var check = await stored.CheckAsync(pool, cancel).ConfigureAwait(false);
        var damages = Damages(check, segment);
        if (damages.Count == 0)
        {
            return true;
        }

        var again = await stored.CheckAsync(pool, cancel).ConfigureAwait(false);
        var stays = Damages(again, segment);
        if (stays.Count == 0)
        {
            findings.Add(new Finding(
                FindingSeverity.Warning, FindingKind.Transient, stored.Key, $"Segment '{stored.Key}' was damaged when first read and sound when read again.", "Look at the disk or the network between here and the store."));
            return true;
        }

        findings.AddRange(stays.Select(f => f with { CanForce = true, Advice = "Put the file back from a copy; or restore the rest with -Force, which leaves this segment out." }));
        return false;
    }

    private static List<Finding> Damages(Format.Segments.SegmentCheck check, SegmentWork segment)
    {
        var findings = check.Damages.Select(d => d.ToFinding()).ToList();
        if (findings.Count == 0 && segment.Entry.Sha256.Length > 0 && check.Summary.Sha256 != segment.Entry.Sha256)
        {
            findings.Add(new Finding(
                FindingSeverity.Error, FindingKind.Corrupt, segment.Entry.Key, $"Segment '{segment.Entry.Key}' is sound in itself, but not the one that the manifest names (SHA-256 differs).",
                "Put the file back from a copy."));
        }

        return findings;
    }
}
