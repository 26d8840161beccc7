using KafkaBackup.Engine.Catalog;

namespace KafkaBackup.Engine.Compare;

/// <summary>The rows of a topic's partitions, and what they come to.</summary>
internal sealed class TopicScore(TopicPair topic)
{
    private readonly List<TopicComparison> _rows = [];

    /// <summary>In order of the partitions. Returns the topic's own row once its last partition is in.</summary>
    public TopicComparison? Add(TopicComparison row)
    {
        _rows.Add(row);
        return _rows.Count == topic.Partitions.Count ? Sum() : null;
    }

    private TopicComparison Sum()
    {
        var failed = _rows.FirstOrDefault(r => r.Verdict == ComparisonVerdict.Failed);
        var weakest = _rows.MinBy(r =>
            r.Alignment switch
            {
                AlignMode.Position => 0,
                AlignMode.OriginalOffset => 1,
                _ => 2,
            }
        )!;
        return new TopicComparison
        {
            Topic = topic.Reference.Name,
            DifferenceTopic = topic.Difference.Name,
            Verdict = Worst(),
            Alignment = weakest.Alignment,
            AlignmentReason = weakest.AlignmentReason,
            ComparedCount = _rows.Sum(r => r.ComparedCount),
            FirstDifference = _rows.Select(r => r.FirstDifference).FirstOrDefault(d => d is not null),
            ReferenceOnlyTail = _rows.Sum(r => r.ReferenceOnlyTail),
            ReferenceOnlyHead = _rows.Sum(r => r.ReferenceOnlyHead),
            DifferenceOnlyTail = _rows.Sum(r => r.DifferenceOnlyTail),
            DifferenceOnlyHead = _rows.Sum(r => r.DifferenceOnlyHead),
            ReferenceHeadTimeMs = _rows.Max(r => r.ReferenceHeadTimeMs),
            DifferenceHeadTimeMs = _rows.Max(r => r.DifferenceHeadTimeMs),

            // So many records from the oldest on are alike in every partition: what the shortest one allows.
            CommonTail = _rows.Min(r => r.CommonTail),
            ReferenceHeadSkew = HeadSkew.Between(_rows.Select(r => r.ReferenceHeadTimeMs).OfType<long>()),
            DifferenceHeadSkew = HeadSkew.Between(_rows.Select(r => r.DifferenceHeadTimeMs).OfType<long>()),
            ErrorId = failed?.ErrorId,
            ErrorMessage = failed is null ? null : $"Partition {failed.Partition}: {failed.ErrorMessage}",
        };
    }

    private ComparisonVerdict Worst()
    {
        ComparisonVerdict[] fromWorst =
        [
            ComparisonVerdict.Failed,
            ComparisonVerdict.Different,
            ComparisonVerdict.TailOnly,
            ComparisonVerdict.HeadOnly,
        ];
        return fromWorst.FirstOrDefault(v => _rows.Any(r => r.Verdict == v), ComparisonVerdict.Equal);
    }
}
