using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Compare;

/// <summary>
/// How the records of two topics are paired (SEMANTICS G2). By offset when both sides' offsets are numbers of the same log: the same topic id, or
/// the same cluster and topic name where no id tells otherwise. By original offset when the records of at least one side carry it. Else by position.
/// The first records of both sides tell who carries original offsets: each restore adds a header, so the side with more of them was restored from
/// what the other one holds, and is aligned by its newest header to the other's plain offsets; with the same number on both sides, both
/// were restored from one source, and the headers meet each other.
/// </summary>
/// <param name="Mode">What was chosen, for the result.</param>
/// <param name="ReferenceAdded">The reference side's newest x-original headers were added on the way, and are not content.</param>
internal sealed record TopicAlignment(AlignMode Mode, AlignMode ReferenceBy, AlignMode DifferenceBy, bool ReferenceAdded, bool DifferenceAdded)
{
    /// <param name="referenceHeaders">Original-offset headers of the reference side's first record; null when it has no record.</param>
    public static TopicAlignment Choose(AlignMode asked, bool offsetsAreComparable, int? referenceHeaders, int? differenceHeaders, string topic)
    {
        var (left, right) = (referenceHeaders ?? 0, differenceHeaders ?? 0);
        var mode = asked != AlignMode.Auto ? asked
            : offsetsAreComparable ? AlignMode.Offset
            : left > 0 || right > 0 ? AlignMode.OriginalOffset
            : AlignMode.Position;
        switch (mode)
        {
            case AlignMode.OriginalOffset when left == 0 && right == 0 && referenceHeaders is not null && differenceHeaders is not null:
                throw ErrorIds.ComparisonImpossible.With(
                    $"Topic {topic} cannot be aligned by original offset: the records of neither side carry the header x-original-offset.", topic,
                    "Restore with -IncludeOriginalOffsetHeader, or align by Position.");
            case AlignMode.OriginalOffset:
                var leftBy = left > 0 && left >= right ? AlignMode.OriginalOffset : AlignMode.Offset;
                var rightBy = right > 0 && right >= left ? AlignMode.OriginalOffset : AlignMode.Offset;
                return new TopicAlignment(mode, leftBy, rightBy, leftBy == AlignMode.OriginalOffset, rightBy == AlignMode.OriginalOffset);
            case AlignMode.Offset:
                // A backup may have been told to add the headers to what it stores.
                return new TopicAlignment(mode, mode, mode, differenceHeaders is not null && left > right, referenceHeaders is not null && right > left);
            default:
                return new TopicAlignment(mode, mode, mode, false, false);
        }
    }
}

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
