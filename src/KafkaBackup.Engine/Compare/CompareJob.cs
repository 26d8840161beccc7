using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Configuration;

namespace KafkaBackup.Engine.Compare;

/// <summary>A whole comparison: plans, then compares some partitions at a time, and hands out each verdict as it falls.</summary>
internal sealed class CompareJob(EngineServices services, IEngineEvents events, OptionsResolver resolver)
{
    /// <summary>Partitions at a time. Each has a reader a side; more of them would only share the same network and processors.</summary>
    private const int Width = 4;

    public async IAsyncEnumerable<TopicComparison> RunAsync(CompareSettings settings, [EnumeratorCancellation] CancellationToken cancel)
    {
        var options = CompareOptions.From(settings, resolver);
        await using var reference = Open(options.Reference, options);
        await using var other = ReferenceEquals(options.Difference, options.Reference) ? null : Open(options.Difference, options);
        var difference = other ?? reference;
        var topics = await new ComparePlan(options, reference, difference).MakeAsync(cancel).ConfigureAwait(false);
        foreach (
            var topic in topics.Where(t =>
                t.Reference.Name == t.Difference.Name && t.Log != LogRelation.Other && reference is LiveSource && difference is LiveSource
            )
        )
        {
            events.Warning(
                $"Both sides are the same topic, {topic.Name} of {reference.Name}: it is compared with itself, which proves nothing. Name the other with -DifferenceTopic or -DifferenceBootstrapServer."
            );
        }

        if (!options.IgnoreTimestamp && !(reference.TellsTimestampType && difference.TellsTimestampType))
        {
            events.Verbose(
                "A backup of the other tool does not tell the timestamps' type (CreateTime or LogAppendTime): it is not compared."
            );
        }

        var progress = new CompareProgress(topics, services.Clock, events);

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var rows = Channel.CreateUnbounded<TopicComparison>();
        var comparing = Task.Run(
            () =>
                CompareAllAsync(() => new CompareLane(options, reference, difference, progress), options, topics, rows.Writer, stop.Token),
            CancellationToken.None
        );
        try
        {
            await foreach (var row in rows.Reader.ReadAllAsync(cancel).ConfigureAwait(false))
            {
                yield return row;
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await comparing.ConfigureAwait(false);
        }
    }

    private CompareSource Open(CompareSide side, CompareOptions options) =>
        side.Cluster is { } cluster
            ? new LiveSource(services.OpenCluster(cluster, events), options.Isolation, services.Clock, events)
            : new BackupSource(new BackupCatalog(services.OpenStore(side.Store!, events)), side.BackupId!, events);

    /// <summary>Ends the channel with whatever happens; never throws itself.</summary>
    private async Task CompareAllAsync(
        Func<CompareLane> openLane,
        CompareOptions options,
        IReadOnlyList<TopicPair> topics,
        ChannelWriter<TopicComparison> rows,
        CancellationToken cancel
    )
    {
        Exception? error = null;
        try
        {
            var waiting = new ConcurrentQueue<PartitionPair>(topics.SelectMany(t => t.Partitions));
            var desk = new Desk(topics, rows, events);
            var width = Math.Min(Width, waiting.Count);
            await Task.WhenAll(
                    Enumerable.Range(0, width).Select(_ => Task.Run(() => RunLaneAsync(openLane, waiting, desk, cancel), cancel))
                )
                .ConfigureAwait(false);
            if (
                options.FromOffset is { } from
                && !desk.SawRecords
                && topics.SelectMany(t => t.Partitions).Any(p => !p.Reference.IsEmpty || !p.Difference.IsEmpty)
            )
            {
                // By original offsets it only shows at the end whether a range holds anything; "equal" would then be said of nothing.
                throw ErrorIds.NothingMatched.With(
                    $"No record of {string.Join(", ", topics.Select(t => t.Name))} has an offset from {from} on, on either side.",
                    from,
                    "Give a smaller -FromOffset."
                );
            }
        }
        catch (Exception e)
        {
            // Thrown to the caller that enumerates.
            error = e;
        }

        rows.Complete(error);
    }

    private static async Task RunLaneAsync(
        Func<CompareLane> openLane,
        ConcurrentQueue<PartitionPair> waiting,
        Desk desk,
        CancellationToken cancel
    )
    {
        using var lane = openLane();
        while (waiting.TryDequeue(out var pair))
        {
            var headers = await desk.HeadersAsync(pair.Topic, lane, cancel).ConfigureAwait(false);
            desk.Take(pair, await lane.CompareAsync(pair, headers, cancel).ConfigureAwait(false));
        }
    }

    /// <summary>Where the lanes meet: one look at each topic's records, by the lane that comes first, and the rows.</summary>
    private sealed class Desk(IReadOnlyList<TopicPair> topics, ChannelWriter<TopicComparison> rows, IEngineEvents events)
    {
        private readonly object _gate = new();
        private readonly PartitionPair[] _order = topics.SelectMany(t => t.Partitions).ToArray();
        private readonly Dictionary<PartitionPair, TopicComparison> _rows = new(ReferenceEqualityComparer.Instance);
        private readonly HashSet<(TopicPair, AlignMode)> _said = [];
        private readonly Dictionary<TopicPair, TopicScore> _scores = topics.ToDictionary(t => t, t => new TopicScore(t));
        private readonly Dictionary<TopicPair, Task<OriginalOffsetCounts>> _headers = [];

        private int _next;

        /// <summary>Some record was compared, was found on one side only, or could not be looked at.</summary>
        public bool SawRecords { get; private set; }

        public Task<OriginalOffsetCounts> HeadersAsync(TopicPair topic, CompareLane lane, CancellationToken cancel)
        {
            lock (_gate)
            {
                return _headers.TryGetValue(topic, out var headers) ? headers : _headers[topic] = lane.LookAsync(topic, cancel);
            }
        }

        public void Take(PartitionPair pair, TopicComparison row)
        {
            lock (_gate)
            {
                SawRecords |= row.ComparedCount > 0 || row.Verdict != ComparisonVerdict.Equal;
                if (_said.Add((pair.Topic, row.Alignment)))
                {
                    events.Verbose($"Topic {pair.Topic.Name}: records are aligned by {row.Alignment}. {row.AlignmentReason}");
                }

                _rows[pair] = row;
                HandOut();
            }
        }

        /// <summary>Lanes end as they like; rows come in the order of the plan, so that two runs give the same list.</summary>
        private void HandOut()
        {
            while (_next < _order.Length && _rows.Remove(_order[_next], out var row))
            {
                rows.TryWrite(row);
                if (_scores[_order[_next++].Topic].Add(row) is { } sum)
                {
                    rows.TryWrite(sum);
                }
            }
        }
    }
}
