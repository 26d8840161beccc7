using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Format.Segments;

/// <summary>What reading every byte of a segment has shown.</summary>
public sealed record SegmentCheck
{
    /// <summary>Null when it is damaged.</summary>
    public SegmentHeader? Header { get; init; }

    /// <summary>Blocks whose every record is as it was written, in the file's order.</summary>
    public required IReadOnlyList<BlockInfo> WholeBlocks { get; init; }

    public required IReadOnlyList<SegmentDamage> Damages { get; init; }

    /// <summary>Of the file as it is, over the whole blocks only where there is damage.</summary>
    public required SegmentSummary Summary { get; init; }

    /// <summary>
    /// The last whole block's last record, as a manifest keeps it; null without whole blocks. The leader's epoch is not in a segment of
    /// version 1.
    /// </summary>
    public LastRecord? LastRecord { get; init; }

    public bool IsWhole => Damages.Count == 0;

    /// <summary>The damages, and what differs from the manifest's entry.</summary>
    public IReadOnlyList<SegmentDamage> Against(SegmentEntry expected)
    {
        ArgumentNullException.ThrowIfNull(expected);
        if (Summary.StoredBytes < expected.StoredBytes)
        {
            return
            [
                .. Damages.Where(static damage => damage.Kind == DamageKind.Corrupt),
                Differs(
                    DamageKind.Truncated,
                    Summary.StoredBytes,
                    $"it has {Summary.StoredBytes} bytes, the manifest says {expected.StoredBytes}"
                ),
            ];
        }

        if (Damages.Count > 0)
        {
            return Damages;
        }

        // Of foreign segments the manifest knows less: no hash, perhaps no size, and no exact times.
        var foreign = expected.Sha256.Length == 0;
        var found = Summary.ToEntry(expected.Key, expected.RunId);
        var same = foreign
            ? found.RecordCount == expected.RecordCount
                && found.FirstOffset == expected.FirstOffset
                && found.LastOffset == expected.LastOffset
            : found == expected;
        return same ? [] : [Differs(DamageKind.Corrupt, 0, Difference(found, expected))];

        SegmentDamage Differs(DamageKind kind, long at, string problem) =>
            new(kind, expected.Key, at, null, problem, expected.FirstOffset, expected.LastOffset);
    }

    private static string Difference(SegmentEntry found, SegmentEntry expected) =>
        found.StoredBytes != expected.StoredBytes && expected.Sha256.Length > 0
            ? $"it has {found.StoredBytes} bytes, the manifest says {expected.StoredBytes}"
        : found.RecordCount != expected.RecordCount ? $"it has {found.RecordCount} records, the manifest says {expected.RecordCount}"
        : found.FirstOffset != expected.FirstOffset || found.LastOffset != expected.LastOffset
            ? $"it holds offsets {found.FirstOffset} to {found.LastOffset}, the manifest says {expected.FirstOffset} to {expected.LastOffset}"
        : found.Sha256 != expected.Sha256 ? SegmentDamage.AnotherFile
        : "its figures are not those that the manifest gives";
}
