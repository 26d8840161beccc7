using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Verify;

/// <summary>
/// Whether what the manifest names is there, with the size that it says: from one listing, however many segments there are.
/// </summary>
internal sealed class StoredObjects(BackupCatalog catalog, OpenedBackup backup)
{
    private const string Advice = "Put the file back from a copy; the rest of the backup can be restored.";

    /// <returns>The segments that are there; only of those is it worth reading more.</returns>
    public async Task<IReadOnlyList<PlacedSegment>> CheckAsync(
        IReadOnlyList<PlacedSegment> segments,
        List<Finding> findings,
        CancellationToken cancel
    )
    {
        var stored = new Dictionary<string, StoreObject>(StringComparer.Ordinal);
        var folder = backup.IsForeign ? "" : BackupKeys.Topics;
        await foreach (var found in catalog.Store.ListAsync(BackupKeys.Of(backup.BackupId, folder), cancel).ConfigureAwait(false))
        {
            stored[found.Key] = found;
        }

        var there = new List<PlacedSegment>(segments.Count);
        foreach (var segment in segments)
        {
            var key = BackupKeys.Of(backup.BackupId, segment.Entry.Key);
            var found = stored.TryGetValue(key, out var listed) ? listed : await catalog.Store.FindAsync(key, cancel).ConfigureAwait(false);
            if (found is null)
            {
                findings.Add(
                    new Finding(FindingSeverity.Error, FindingKind.Missing, key, $"Segment '{key}' is missing: {Held(segment)}.", Advice)
                );
            }
            else if (found.IsArchived)
            {
                findings.Add(
                    new Finding(
                        FindingSeverity.Error,
                        FindingKind.Archived,
                        key,
                        $"Segment '{key}' is archived and cannot be read: {Held(segment)}.",
                        StoreObject.ArchivedAdvice
                    )
                );
            }
            else if (!backup.IsForeign && found.Size != segment.Entry.StoredBytes)
            {
                var kind = found.Size < segment.Entry.StoredBytes ? FindingKind.Truncated : FindingKind.Corrupt;
                findings.Add(
                    new Finding(
                        FindingSeverity.Error,
                        kind,
                        key,
                        $"Segment '{key}' has {found.Size} bytes, the manifest says {segment.Entry.StoredBytes}: {Held(segment)}.",
                        Advice
                    )
                );
            }
            else
            {
                there.Add(segment);
            }
        }

        return there;
    }

    private static string Held(PlacedSegment segment) =>
        $"it held {segment.Entry.RecordCount} records of {new TopicPartition(segment.Topic, segment.Partition)}, offsets {segment.Entry.FirstOffset} to {segment.Entry.LastOffset}";
}
