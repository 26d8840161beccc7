using KafkaBackup.Engine.Records;
using KafkaBackup.Engine.Rules;

namespace KafkaBackup.Engine.Compare;

/// <summary>
/// How the records of a partition's two sides are paired (rule G2). By offset when both sides' offsets are numbers of the same log - the
/// same topic id, or the same cluster and topic name where no id tells otherwise - and some number can be on both: a topic that was purged
/// and restored in place goes on counting where it was, so its copy shares none with the backup. By original offset when the records of at
/// least one side carry it. Else by position. The first records of both sides tell who carries original offsets: each restore adds a
/// header, so the side with more of them was restored from what the other one holds, once for each header that it has more, and the oldest
/// of these is aligned to the other's plain offsets; with the same number on both sides, both were restored from one source, and the newest
/// headers meet each other.
/// </summary>
/// <param name="Mode">What was chosen, for the result.</param>
/// <param name="Reason">Why, for the result.</param>
/// <param name="ReferenceAdded">So many of the reference side's newest x-original headers were added on the way, and are not
/// content.</param>
internal sealed record TopicAlignment(
    AlignMode Mode,
    string Reason,
    AlignMode ReferenceBy,
    AlignMode DifferenceBy,
    int ReferenceAdded,
    int DifferenceAdded
)
{
    public static TopicAlignment Choose(AlignMode asked, PartitionPair pair, OriginalOffsetCounts headers)
    {
        var (left, right) = (headers.Reference ?? 0, headers.Difference ?? 0);
        var (mode, reason) = asked != AlignMode.Auto ? (asked, "It was asked for.") : Strongest(pair, left, right);
        switch (mode)
        {
            case AlignMode.OriginalOffset when left == 0 && right == 0 && headers.Reference is not null && headers.Difference is not null:
                throw ErrorIds.ComparisonImpossible.With(
                    $"Topic {pair.Topic.Name} cannot be aligned by original offset: the records of neither side carry the header {HeaderNames.OriginalOffset}.",
                    pair.Topic.Name,
                    "Restore with -IncludeOriginalOffsetHeader, or align by Position."
                );
            case AlignMode.OriginalOffset:
                var leftBy = left > 0 && left >= right ? AlignMode.OriginalOffset : AlignMode.Offset;
                var rightBy = right > 0 && right >= left ? AlignMode.OriginalOffset : AlignMode.Offset;
                return left == right
                    ? new TopicAlignment(mode, reason, leftBy, rightBy, Math.Min(left, 1), Math.Min(right, 1))
                    : new TopicAlignment(mode, reason, leftBy, rightBy, Math.Max(0, left - right), Math.Max(0, right - left));
            case AlignMode.Offset:
                // A backup may have been told to add the headers to what it stores.
                return new TopicAlignment(
                    mode,
                    reason,
                    mode,
                    mode,
                    headers.Difference is null ? 0 : Math.Max(0, left - right),
                    headers.Reference is null ? 0 : Math.Max(0, right - left)
                );
            default:
                return new TopicAlignment(mode, reason, mode, mode, 0, 0);
        }
    }

    private static (AlignMode Mode, string Reason) Strongest(PartitionPair pair, int left, int right)
    {
        var log = pair.Topic.Log;
        if (log != LogRelation.Other && pair.OffsetsMeet)
        {
            return (
                AlignMode.Offset,
                log == LogRelation.SameId
                    ? "Both sides are the same topic, by its id."
                    : "Both sides are the topic of that name on the same cluster."
            );
        }

        var not =
            log == LogRelation.Other
                ? "The sides are different topics"
                : $"The sides are the same topic, but no offset is on both ({pair.Reference.Range} and {pair.Difference.Range}): it was purged and filled again, or has moved on";
        return left > 0 || right > 0
            ? (
                AlignMode.OriginalOffset,
                $"{not}, and the records of {(left > 0 && right > 0 ? "both sides" : left > 0 ? "the reference side" : "the difference side")} carry {HeaderNames.OriginalOffset}{(Math.Abs(left - right) > 1 ? $", which {Math.Abs(left - right)} restores have added one after the other" : "")}."
            )
            : (AlignMode.Position, $"{not}, and the records of neither side carry {HeaderNames.OriginalOffset}.");
    }
}

/// <summary>
/// How many x-original-offset headers the first record of each side carries; null when the side has no record, or nobody needs to know.
/// </summary>
internal sealed record OriginalOffsetCounts(int? Reference, int? Difference);

/// <summary>Looks at one record and wants no more.</summary>
internal sealed class FirstRecord : RecordTaker
{
    /// <summary>Null while no record has come.</summary>
    public int? OriginalHeaders { get; private set; }

    public override bool Take(in RecordView record)
    {
        OriginalHeaders = OriginalOffset.Count(record.Headers);
        return false;
    }
}
