using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;

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

        var stored = await StoredAsync(segments, cancel).ConfigureAwait(false);
        foreach (var segment in segments)
        {
            var key = BackupKeys.Of(backup.BackupId, segment.Key);
            if (!stored.TryGetValue(key, out var found))
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
            else if (found.IsArchived)
            {
                findings.Add(
                    Error(
                        FindingKind.Archived,
                        key,
                        $"Segment '{key}' is archived and cannot be read: {segment.RecordCount} records of {id}, offsets {segment.FirstOffset} to {segment.LastOffset}.",
                        StoreObject.ArchivedAdvice + " Or restore the rest with -Force, which leaves these records out."
                    )
                );
                lost.Add(new LostRecords(new OffsetSpan(segment.FirstOffset, segment.LastOffset), segment.RecordCount));
            }
            else if (!backup.IsForeign && found.Size != segment.StoredBytes)
            {
                var kind = found.Size < segment.StoredBytes ? FindingKind.Truncated : FindingKind.Corrupt;
                findings.Add(
                    Error(
                        kind,
                        key,
                        $"Segment '{key}' has {found.Size} bytes, the manifest says {segment.StoredBytes}: {segment.RecordCount} records of {id}, offsets {segment.FirstOffset} to {segment.LastOffset}, are affected."
                    )
                );
                lost.Add(new LostRecords(new OffsetSpan(segment.FirstOffset, segment.LastOffset), segment.RecordCount));
            }
        }

        return lost;
    }

    private async Task<Dictionary<string, StoreObject>> StoredAsync(IReadOnlyList<SegmentEntry> segments, CancellationToken cancel)
    {
        var stored = new Dictionary<string, StoreObject>(StringComparer.Ordinal);
        foreach (var folder in segments.Select(s => s.Key[..(s.Key.LastIndexOf('/') + 1)]).Distinct(StringComparer.Ordinal))
        {
            await foreach (var item in catalog.Store.ListAsync(BackupKeys.Of(backup.BackupId, folder), cancel).ConfigureAwait(false))
            {
                stored[item.Key] = item;
            }
        }

        return stored;
    }

    private static Finding Error(FindingKind kind, string key, string message, string? advice = null) =>
        new(
            FindingSeverity.Error,
            kind,
            key,
            message,
            advice ?? "Put the file back from a copy; or restore the rest with -Force, which leaves these records out."
        )
        {
            CanForce = true,
        };
}
