using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Restore;

/// <summary>Records that a restore has to do without.</summary>
/// <param name="Count">As many of them at most are among those to restore.</param>
internal sealed record LostRecords(OffsetSpan Offsets, long Count);

/// <summary>
/// What one source partition brings: its segments are there and, where that was asked for, sound; what is not is left out and told of; the
/// rest is counted. A resume keeps to the plan of the run that it continues.
/// </summary>
internal sealed class SourcePlanner(
    BackupCatalog catalog,
    OpenedBackup backup,
    RestoreOptions options,
    EarlierRun? earlier,
    BlockBufferPool pool,
    IEngineEvents events
)
{
    private readonly SegmentSelection _selection = new(catalog, backup, pool);
    private readonly SegmentPresence _presence = new(catalog, backup);
    private readonly DeepSelection _soundness = new(catalog, backup, pool, events);

    public List<Finding> Findings { get; } = [];

    /// <summary>Who forces a restore of a damaged backup wants all that is left of it: so all damage has to be known.</summary>
    public static bool IsDeep(RestoreOptions options) => options.Deep || options.PurgeTopics || (options.Force && !options.DryRun);

    public async Task<SourceWork> PlanAsync(TopicPartition id, PartitionEntry partition, CancellationToken cancel)
    {
        var planned = earlier?.Sources?.GetValueOrDefault(id);
        var choice = new RecordChoice(options.Window, planned?.Bounds, planned?.LeftOut ?? []);
        var needed = partition
            .Segments.Where(s =>
                s.RecordCount > 0 && choice.MayHold(new OffsetSpan(s.FirstOffset, s.LastOffset), s.MinTimestamp, s.MaxTimestamp)
            )
            .ToArray();

        // What an interrupted run has restored for certain is not read again, so it need not be sound any more.
        var restoredTo = planned?.RestoredTo ?? -1;
        var ahead = needed.Where(s => s.LastOffset > restoredTo).ToArray();
        var lost = new List<LostRecords>(await _presence.FindLostAsync(id, ahead, Findings, cancel).ConfigureAwait(false));
        if (IsDeep(options))
        {
            var there = ahead.Where(s => !lost.Exists(l => l.Offsets.First == s.FirstOffset)).ToArray();
            lost.AddRange(await _soundness.FindLostAsync(id, there, restoredTo, Findings, cancel).ConfigureAwait(false));
        }

        choice = new RecordChoice(options.Window, planned?.Bounds, [.. choice.LeftOut, .. lost.Select(l => l.Offsets)]);
        var segments = await _selection.SelectAsync(id, needed, choice, cancel).ConfigureAwait(false);
        var damages = _selection.TakeDamages();
        Findings.AddRange(damages);
        var taken =
            planned is null || damages.Count > 0 || (lost.Count > 0 && !options.Force)
                ? segments
                : Complete(planned, segments, lost.Sum(l => l.Count));
        return new SourceWork(id, taken, choice) { LeftOutCount = partition.Segments.Sum(s => LeftOut(s, choice)) };
    }

    /// <summary>How many of a segment's records a plan does without because they are damaged or missing; at most as many.</summary>
    private static long LeftOut(SegmentEntry segment, RecordChoice choice) =>
        Math.Min(
            segment.RecordCount,
            choice
                .LeftOut.Distinct()
                .Sum(span => Math.Max(0, Math.Min(span.Last, segment.LastOffset) - Math.Max(span.First, segment.FirstOffset) + 1))
        );

    /// <summary>
    /// The plan's records, neither more nor less. What old runs took with them when they were removed from the backup is missed only if it
    /// is not in the target yet; and only without holes can it be said where in the target it lies.
    /// </summary>
    private IReadOnlyList<SegmentWork> Complete(PlannedSource planned, IReadOnlyList<SegmentWork> segments, long lost)
    {
        var found = segments.Sum(s => s.RecordCount);
        var missing = planned.Records - found;
        if (missing >= 0 && missing <= lost)
        {
            return segments;
        }

        var next = segments.Count > 0 ? segments[0].FirstOffset : planned.Bounds.Last + 1;
        if (lost == 0 && missing > 0 && next - planned.Bounds.First == missing && next <= planned.RestoredTo + 1)
        {
            return [Removed(planned.Bounds.First, next - 1, segments.Count > 0 ? segments[0] : null), .. segments];
        }

        throw EarlierRun.Changed(planned, found, options);
    }

    private static SegmentWork Removed(long first, long last, SegmentWork? next)
    {
        var time = next?.MinTimestamp ?? -1;
        var entry = new SegmentEntry
        {
            Key = $"offsets {first} to {last}, removed from the backup",
            Sha256 = "",
            StoredBytes = 0,
            Bytes = 0,
            RecordCount = last - first + 1,
            FirstOffset = first,
            LastOffset = last,
            MinTimestamp = time,
            MaxTimestamp = time,
            HeadTimestamp = time,
            LargestRecord = 0,
            ZeroTimestamps = 0,
            RunId = "",
        };
        return new SegmentWork(entry, entry.RecordCount, 0, true, first, last, time, time, 0);
    }
}
