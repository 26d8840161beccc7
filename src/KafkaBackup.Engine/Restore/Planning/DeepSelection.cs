using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Format.Segments;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Reads every byte of the segments that a plan needs (rule D2). A damaged one is read again before it is called so; the finding says which
/// records that costs: the damaged blocks' where the index tells them, else the whole segment's.
/// </summary>
internal sealed class DeepSelection(BackupCatalog catalog, OpenedBackup backup, BlockBufferPool pool, IEngineEvents events)
{
    /// <param name="restoredTo">What was restored already, up to this offset, is not missed.</param>
    public async Task<IReadOnlyList<LostRecords>> FindLostAsync(
        TopicPartition source,
        IReadOnlyList<SegmentEntry> segments,
        long restoredTo,
        List<Finding> findings,
        CancellationToken cancel
    )
    {
        var lost = new List<LostRecords>();
        var sound = 0;
        foreach (var segment in segments)
        {
            var stored = catalog.Segment(backup, source.Topic, source.Partition, segment);
            if (await FindDamageAsync(stored, findings, cancel).ConfigureAwait(false) is not { } damaged)
            {
                sound++;
                continue;
            }

            var missed = (await LostOfAsync(stored, damaged.Check, cancel).ConfigureAwait(false))
                .Where(l => l.Offsets.Last > restoredTo)
                .ToArray();
            lost.AddRange(missed);
            if (missed.Length > 0)
            {
                findings.AddRange(damaged.Findings);
            }
        }

        events.Verbose($"Checked {source}: {sound} of {segments.Count} segments are sound.");
        return lost;
    }

    private async Task<(SegmentCheck Check, IReadOnlyList<Finding> Findings)?> FindDamageAsync(
        StoredSegment stored,
        List<Finding> findings,
        CancellationToken cancel
    )
    {
        var check = await stored.CheckAsync(pool, cancel).ConfigureAwait(false);
        if (Damages(check, stored).Length == 0)
        {
            return null;
        }

        var again = await stored.CheckAsync(pool, cancel).ConfigureAwait(false);
        var stays = Damages(again, stored);
        if (stays.Length > 0)
        {
            return (
                again,
                stays
                    .Select(f =>
                        f with
                        {
                            CanForce = true,
                            Advice = "Put the file back from a copy; or restore the rest with -Force, which leaves these records out.",
                        }
                    )
                    .ToArray()
            );
        }

        findings.Add(
            new Finding(
                FindingSeverity.Warning,
                FindingKind.Transient,
                stored.Key,
                $"Segment '{stored.Key}' was damaged when first read and sound when read again.",
                "Look at the disk or the network between here and the store."
            )
        );
        return null;
    }

    private async Task<IReadOnlyList<LostRecords>> LostOfAsync(StoredSegment stored, SegmentCheck check, CancellationToken cancel)
    {
        LostRecords[] all = [new(new OffsetSpan(stored.Entry.FirstOffset, stored.Entry.LastOffset), stored.Entry.RecordCount)];
        if (stored.IsForeign)
        {
            return all;
        }

        try
        {
            using var reader = await stored.OpenAsync(pool, 0, cancel).ConfigureAwait(false);
            var whole = check.WholeBlocks.Select(b => b.FileOffset).ToHashSet();
            var damaged = reader
                .Blocks.Where(b => !whole.Contains(b.FileOffset))
                .Select(b => new LostRecords(new OffsetSpan(b.Stats.FirstOffset, b.Stats.LastOffset), b.Stats.RecordCount))
                .ToArray();

            // With every block whole it is not the file that the manifest names: then none of it is to be trusted.
            return damaged.Length > 0 ? damaged : all;
        }
        catch (SegmentDamagedException)
        {
            // Without header and index nothing of it can be found.
            return all;
        }
    }

    private static Finding[] Damages(SegmentCheck check, StoredSegment stored) =>
        check.Against(stored.Entry).Select(damage => (damage with { Place = stored.Key }).ToFinding()).ToArray();
}
