using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Whether the segments that the manifest names are there with the right size (rule D2), by one listing a partition. What is missing is
/// a finding, and lost; the rest stays restorable.
/// </summary>
internal sealed class SegmentPresence(BackupCatalog catalog, OpenedBackup backup)
{
    public async Task<IReadOnlyList<LostRecords>> FindLostAsync(
        TopicPartition id,
        IReadOnlyList<SegmentEntry> segments,
        List<Finding> findings,
        CancellationToken cancel
    )
    {
        var lost = new List<LostRecords>();
        if (segments.Count == 0)
        {
            return lost;
        }

        var sizes = await SizesAsync(segments, cancel).ConfigureAwait(false);
        foreach (var segment in segments)
        {
            var key = BackupKeys.Of(backup.BackupId, segment.Key);
            if (!sizes.TryGetValue(key, out var size))
            {
                findings.Add(
                    Error(
                        FindingKind.Missing,
                        key,
                        $"Segment '{key}' is missing: {segment.RecordCount} records of {id}, offsets {segment.FirstOffset} to {segment.LastOffset}."
                    )
                );
                lost.Add(new LostRecords(new OffsetSpan(segment.FirstOffset, segment.LastOffset), segment.RecordCount));
            }
            else if (!backup.IsForeign && size != segment.StoredBytes)
            {
                var kind = size < segment.StoredBytes ? FindingKind.Truncated : FindingKind.Corrupt;
                findings.Add(
                    Error(
                        kind,
                        key,
                        $"Segment '{key}' has {size} bytes, the manifest says {segment.StoredBytes}: {segment.RecordCount} records of {id}, offsets {segment.FirstOffset} to {segment.LastOffset}, are affected."
                    )
                );
                lost.Add(new LostRecords(new OffsetSpan(segment.FirstOffset, segment.LastOffset), segment.RecordCount));
            }
        }

        return lost;
    }

    private async Task<Dictionary<string, long>> SizesAsync(IReadOnlyList<SegmentEntry> segments, CancellationToken cancel)
    {
        var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var folder in segments.Select(s => s.Key[..(s.Key.LastIndexOf('/') + 1)]).Distinct(StringComparer.Ordinal))
        {
            await foreach (var item in catalog.Store.ListAsync(BackupKeys.Of(backup.BackupId, folder), cancel).ConfigureAwait(false))
            {
                sizes[item.Key] = item.Size;
            }
        }

        return sizes;
    }

    private static Finding Error(FindingKind kind, string key, string message) =>
        new(
            FindingSeverity.Error,
            kind,
            key,
            message,
            "Put the file back from a copy; or restore the rest with -Force, which leaves these records out."
        )
        {
            CanForce = true,
        };
}
