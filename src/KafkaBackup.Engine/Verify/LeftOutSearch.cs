using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Format.Segments;

namespace KafkaBackup.Engine.Verify;

/// <summary>Looks whether a segment that a repair had to leave out is whole by now: somebody put it back from a copy.</summary>
internal sealed class LeftOutSearch(BackupCatalog catalog, string backupId)
{
    private const long PoolBytes = 16L << 20;

    public async Task<bool> AnyIsWholeAsync(Manifest manifest, CancellationToken cancel)
    {
        using var pool = new BlockBufferPool(PoolBytes);
        foreach (var key in LeftOutSegment.In(manifest).Select(k => BackupKeys.Of(backupId, k)))
        {
            if (
                await catalog.Store.FindAsync(key, cancel).ConfigureAwait(false) is { } there
                && (
                    await SegmentFile
                        .CheckAsync(
                            key,
                            (offset, buffer, stop) => catalog.Store.ReadAsync(key, offset, buffer, stop),
                            there.Size,
                            pool,
                            cancel
                        )
                        .ConfigureAwait(false)
                ).IsWhole
            )
            {
                return true;
            }
        }

        return false;
    }
}
