using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Compare;

/// <summary>
/// Compares one partition after the other, with one reader a side. Each side is read by a thread of its own, so that a side that is ahead
/// waits for the other without holding up anything else.
/// </summary>
internal sealed class CompareLane(CompareOptions options, CompareSource reference, CompareSource difference, CompareProgress progress)
    : IDisposable
{
    private readonly SideReader _reference = reference.OpenReader();
    private readonly SideReader _difference = difference.OpenReader();

    public async Task<TopicComparison> CompareAsync(PartitionPair pair, OriginalOffsetCounts headers, CancellationToken cancel)
    {
        var alignment = TopicAlignment.Choose(options.Align, pair, headers);
        if ((pair.Reference.Error ?? pair.Difference.Error) is { } refused)
        {
            return Failed(pair, alignment, 0, refused);
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var from = options.FromOffset ?? 0;
        var withType = reference.TellsTimestampType && difference.TellsTimestampType;
        var leftForm = new ComparisonEncoding(options, alignment.ReferenceAdded, withType);
        var rightForm = new ComparisonEncoding(options, alignment.DifferenceAdded, withType);
        var byPosition = alignment.Mode == AlignMode.Position;
        var mostEach = byPosition ? options.MaxRecords : null;
        var start = SharedBeginning.None;
        try
        {
            start =
                byPosition && options.CommonTail
                    ? await FindStartAsync(pair, leftForm, rightForm, stop.Token).ConfigureAwait(false)
                    : start;
        }
        catch (KafkaBackupException e)
        {
            return Failed(pair, alignment, 0, e);
        }

        using var left = new SideFeed(
            new FeedOptions(leftForm, alignment.ReferenceBy, alignment.ReferenceAdded, from, start.Reference, mostEach),
            stop.Token
        );
        using var right = new SideFeed(
            new FeedOptions(rightForm, alignment.DifferenceBy, alignment.DifferenceAdded, from, start.Difference, mostEach),
            stop.Token
        );
        using var walk = new PairWalk(
            left,
            right,
            leftForm,
            rightForm,
            new WalkOptions(byPosition, options.CommonTail, start, options.MaxRecords)
        );
        var readingLeft = Read(_reference, pair.Reference, alignment.ReferenceBy, !byPosition, left, stop.Token);
        var readingRight = Read(_difference, pair.Difference, alignment.DifferenceBy, !byPosition, right, stop.Token);
        KafkaBackupException? error = null;
        try
        {
            await walk.RunAsync(progress.Count).ConfigureAwait(false);
        }
        catch (KafkaBackupException e)
        {
            error = e;
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(readingLeft, readingRight).ConfigureAwait(false);
        }

        return error is null ? Result(pair, alignment, walk, left, right) : Failed(pair, alignment, walk.Compared, error);
    }

    /// <summary>
    /// What the topic's records themselves say of original offsets: looks at one record a side, from the first partition that has one.
    /// </summary>
    public Task<OriginalOffsetCounts> LookAsync(TopicPair topic, CancellationToken cancel) =>
        options.Align == AlignMode.Position
            ? Task.FromResult(new OriginalOffsetCounts(null, null))
            : Task.Factory.StartNew(
                () =>
                    new OriginalOffsetCounts(
                        First(_reference, topic.Partitions.Select(p => p.Reference), cancel),
                        First(_difference, topic.Partitions.Select(p => p.Difference), cancel)
                    ),
                cancel,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default
            );

    public void Dispose()
    {
        _reference.Dispose();
        _difference.Dispose();
    }

    private TopicComparison Failed(PartitionPair pair, TopicAlignment alignment, long compared, KafkaBackupException error)
    {
        progress.Failed(error);
        return new TopicComparison
        {
            Topic = pair.Topic.Reference.Name,
            DifferenceTopic = pair.Topic.Difference.Name,
            Partition = pair.Partition,
            Verdict = ComparisonVerdict.Failed,
            Alignment = alignment.Mode,
            AlignmentReason = alignment.Reason,
            ComparedCount = compared,
            ErrorId = error.ErrorId,
            ErrorMessage = error.Message,
        };
    }

    private int? First(SideReader reader, IEnumerable<SidePartition> partitions, CancellationToken cancel)
    {
        var first = new FirstRecord();
        foreach (var partition in partitions.Where(p => p.Error is null && !p.IsEmpty))
        {
            try
            {
                reader.Read(partition, 0, mayBeginLater: true, first, cancel);
            }
            catch (KafkaBackupException error)
            {
                // Its own comparison will fail and say so; the next partition can answer as well.
                progress.Verbose($"Partition {partition.Id} could not be looked at: {error.Message}");
            }

            if (first.OriginalHeaders is { } count)
            {
                return count;
            }
        }

        return null;
    }

    private Task<SharedBeginning> FindStartAsync(
        PartitionPair pair,
        ComparisonEncoding left,
        ComparisonEncoding right,
        CancellationToken cancel
    ) =>
        Task.Factory.StartNew(
            () =>
                SharedBeginning.Find(
                    left,
                    taker => _reference.Read(pair.Reference, options.FromOffset ?? 0, mayBeginLater: false, taker, cancel),
                    right,
                    taker => _difference.Read(pair.Difference, options.FromOffset ?? 0, mayBeginLater: false, taker, cancel)
                ),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );

    private Task Read(
        SideReader reader,
        SidePartition partition,
        AlignMode orderedBy,
        bool mayBeginLater,
        SideFeed feed,
        CancellationToken cancel
    ) =>
        Task.Factory.StartNew(
            () =>
            {
                Exception? error = null;
                try
                {
                    // Original offsets say nothing of where in the log to begin.
                    var from = orderedBy == AlignMode.OriginalOffset ? 0 : options.FromOffset ?? 0;
                    reader.Read(partition, from, mayBeginLater, feed, cancel);
                }
                catch (Exception e)
                {
                    // Thrown to the comparison by the feed, after what was read before it.
                    error = e;
                }

                feed.End(error);
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );

    private TopicComparison Result(PartitionPair pair, TopicAlignment alignment, PairWalk walk, SideFeed left, SideFeed right)
    {
        var digests = walk.Digests();
        return new TopicComparison
        {
            Topic = pair.Topic.Reference.Name,
            DifferenceTopic = pair.Topic.Difference.Name,
            Partition = pair.Partition,
            Verdict = Verdict(walk),
            Alignment = alignment.Mode,
            AlignmentReason = alignment.Reason,
            ComparedCount = walk.Compared,
            FirstDifference = walk.FirstDifference,
            ReferenceOnlyTail = walk.Tail.Reference,
            DifferenceOnlyTail = walk.Tail.Difference,
            ReferenceOnlyHead = walk.Head.Reference,
            DifferenceOnlyHead = walk.Head.Difference,
            ReferenceDigest = digests.Reference,
            DifferenceDigest = digests.Difference,
            ReferenceHeadTimeMs = left.HeadTimestamp,
            DifferenceHeadTimeMs = right.HeadTimestamp,
            CommonTail = walk.CommonTail,
        };
    }

    private ComparisonVerdict Verdict(PairWalk walk)
    {
        var (head, tail) = (walk.Head.Reference + walk.Head.Difference, walk.Tail.Reference + walk.Tail.Difference);

        // With the common tail alone in question, what lies before and behind it is told and does not count, nor do heads that went
        // different ways.
        var beyond = !options.CommonTail || walk.Compared == 0;
        var headsOnly =
            walk.FirstDifference is not { What: "Missing" }
            || walk.CommonTail != walk.Compared
            || walk.Compared == 0
            || walk.Head is not ( > 0, > 0);
        return walk.FirstDifference is not null && (headsOnly || !options.CommonTail) ? ComparisonVerdict.Different
            : tail > 0 && beyond ? ComparisonVerdict.TailOnly
            : head > 0 && beyond ? ComparisonVerdict.HeadOnly
            : ComparisonVerdict.Equal;
    }
}
