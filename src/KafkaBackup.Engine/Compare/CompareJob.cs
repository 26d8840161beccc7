using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Configuration;

namespace KafkaBackup.Engine.Compare;

/// <summary>A whole comparison: plans, then compares some partitions at a time, and hands out each verdict as it falls.</summary>
internal sealed class CompareJob(EngineSeams seams, IEngineEvents events, OptionsResolver resolver)
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
        var progress = new CompareProgress(topics, seams.Clock, events);

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var rows = Channel.CreateUnbounded<TopicComparison>();
        var comparing = Task.Run(() => CompareAllAsync(() => new CompareLane(options, reference, difference, progress), options, topics, rows.Writer, stop.Token), CancellationToken.None);
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

    private CompareSource Open(CompareSide side, CompareOptions options) => side.Cluster is { } cluster
        ? new LiveSource(seams.OpenCluster(cluster, events), options.Isolation, seams.Clock, events)
        : new BackupSource(new BackupCatalog(seams.OpenStore(side.Store!, events)), side.BackupId!, events);

    /// <summary>Ends the channel with whatever happens; never throws itself.</summary>
    private async Task CompareAllAsync(
        Func<CompareLane> openLane, CompareOptions options, IReadOnlyList<TopicPair> topics, ChannelWriter<TopicComparison> rows, CancellationToken cancel)
    {
        Exception? error = null;
        try
        {
            var waiting = new ConcurrentQueue<PartitionPair>(topics.SelectMany(t => t.Partitions));
            var desk = new Desk(topics, rows, events);
            var width = Math.Min(Width, waiting.Count);
            await Task.WhenAll(Enumerable.Range(0, width).Select(_ => Task.Run(() => RunLaneAsync(openLane, waiting, desk, cancel), cancel))).ConfigureAwait(false);
            if (options.FromOffset is { } from && !desk.SawRecords && topics.SelectMany(t => t.Partitions).Any(p => !p.Reference.IsEmpty || !p.Difference.IsEmpty))
            {
                // By original offsets it only shows at the end whether a range holds anything; "equal" would then be said of nothing.
                throw ErrorIds.NothingMatched.With(
                    $"No record of {string.Join(", ", topics.Select(t => t.Name))} has an offset from {from} on, on either side.", from, "Give a smaller -FromOffset.");
            }
        }
        catch (Exception e)
        {
            // Thrown to whoever enumerates.
            error = e;
        }

        rows.Complete(error);
    }

    private static async Task RunLaneAsync(Func<CompareLane> openLane, ConcurrentQueue<PartitionPair> waiting, Desk desk, CancellationToken cancel)
    {
        using var lane = openLane();
        while (waiting.TryDequeue(out var pair))
        {
            var alignment = await desk.AlignmentAsync(pair.Topic, lane, cancel).ConfigureAwait(false);
            desk.Take(pair, await lane.CompareAsync(pair, alignment, cancel).ConfigureAwait(false));
        }
    }

    /// <summary>Where the lanes meet: one alignment per topic, chosen by the lane that comes first, and the rows.</summary>
    private sealed class Desk(IReadOnlyList<TopicPair> topics, ChannelWriter<TopicComparison> rows, IEngineEvents events)
    {
        private readonly object _gate = new();
        private readonly Dictionary<TopicPair, TopicScore> _scores = topics.ToDictionary(t => t, t => new TopicScore(t));
        private readonly Dictionary<TopicPair, Task<TopicAlignment>> _alignments = [];

        /// <summary>Some record was compared, was found on one side only, or could not be looked at.</summary>
        public bool SawRecords { get; private set; }

        public Task<TopicAlignment> AlignmentAsync(TopicPair topic, CompareLane lane, CancellationToken cancel)
        {
            lock (_gate)
            {
                return _alignments.TryGetValue(topic, out var alignment) ? alignment : _alignments[topic] = ChooseAsync(topic, lane, cancel);
            }
        }

        public void Take(PartitionPair pair, TopicComparison row)
        {
            lock (_gate)
            {
                rows.TryWrite(row);
                SawRecords |= row.ComparedCount > 0 || row.Verdict != ComparisonVerdict.Equal;
                if (_scores[pair.Topic].Add(row) is { } sum)
                {
                    rows.TryWrite(sum);
                }
            }
        }

        private async Task<TopicAlignment> ChooseAsync(TopicPair topic, CompareLane lane, CancellationToken cancel)
        {
            var alignment = await lane.AlignAsync(topic, cancel).ConfigureAwait(false);
            events.Verbose($"Topic {topic.Name}: records are aligned by {alignment.Mode}.");
            return alignment;
        }
    }
}
