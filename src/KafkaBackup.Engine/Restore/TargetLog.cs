using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// What target partitions hold, asked from the cluster itself: the only witness of how far a restore really came (SEMANTICS E2).
/// </summary>
internal sealed class TargetLog(IKafkaCluster cluster, TimeProvider clock, IEngineEvents events)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ReadBudget = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ReadBudgetWithQuota = TimeSpan.FromMinutes(5);

    public async Task<IReadOnlyDictionary<TopicPartition, long>> EndsAsync(IReadOnlyCollection<TopicPartition> partitions, CancellationToken cancel)
    {
        var answers = await cluster.ListOffsetsAsync(partitions, OffsetBound.HighWatermark, cancel).ConfigureAwait(false);
        return answers.ToDictionary(a => a.Key, a => a.Value.Error is null ? a.Value.Offset ?? 0 : throw a.Value.Error);
    }

    /// <summary>
    /// Waits until the ends have not moved for the quiet time: requests of a killed process may still be handled after its death. Partitions
    /// that something goes on writing to are left out of the answer after a while.
    /// </summary>
    public async Task<IReadOnlyDictionary<TopicPartition, long>> QuietEndsAsync(
        IReadOnlyCollection<TopicPartition> partitions, TimeSpan quiet, CancellationToken cancel)
    {
        var patience = quiet * 6;
        var began = clock.GetTimestamp();
        var since = began;
        var ends = await EndsAsync(partitions, cancel).ConfigureAwait(false);
        var restless = new HashSet<TopicPartition>();
        while (clock.GetElapsedTime(since) < quiet)
        {
            await Task.Delay(quiet < Look ? quiet : Look, clock, cancel).ConfigureAwait(false);
            var now = await EndsAsync(partitions, cancel).ConfigureAwait(false);
            var moved = now.Where(n => n.Value != ends[n.Key] && !restless.Contains(n.Key)).Select(n => n.Key).ToArray();
            if (moved.Length > 0)
            {
                events.Verbose($"{moved.Length} target partitions still grow, among them {moved[0]}; waiting for them to be still for {quiet.TotalSeconds:0.#} s.");
                since = clock.GetTimestamp();
                if (clock.GetElapsedTime(began) > patience)
                {
                    restless.UnionWith(moved);
                }
            }

            ends = now;
        }

        return ends.Where(e => !restless.Contains(e.Key)).ToDictionary();
    }

    /// <summary>Hands the record at the offset to the comparison; false when there is none, or it says no.</summary>
    /// <param name="compare">Called on the reader's thread with the record.</param>
    public Task<bool> HoldsAsync(TopicPartition partition, long offset, RecordTest compare, CancellationToken cancel) => Task.Run(
        () =>
        {
            using var reader = cluster.OpenReader(new ReaderOptions(IsolationLevel.ReadUncommitted, QueuedBytes: 4 << 20, FetchBytes: 256 << 10));
            var sink = new OneRecord(offset, compare);
            reader.Assign(partition, offset, 0);
            var began = clock.GetTimestamp();
            while (sink.Answer is null)
            {
                cancel.ThrowIfCancellationRequested();
                reader.Poll(sink);
                if (clock.GetElapsedTime(began) > (sink.IsHeldBack ? ReadBudgetWithQuota : ReadBudget))
                {
                    throw ErrorIds.TargetUnavailable.With(
                        $"Offset {offset} of target partition {partition} could not be read within {ReadBudget.TotalSeconds:0} s.", partition.ToString(), inner: sink.Trouble);
                }
            }

            return sink.Answer.Value;
        },
        cancel);

    private sealed class OneRecord(long offset, RecordTest compare) : IRecordSink
    {
        public bool? Answer { get; private set; }

        public KafkaBackupException? Trouble { get; private set; }

        /// <summary>By a quota of the cluster.</summary>
        public bool IsHeldBack { get; private set; }

        public void OnRecord(int slot, in RecordView record) => Answer ??= record.Offset == offset && compare(record);

        public void OnEnd(int slot, long end) => Answer ??= false;

        public void OnError(int slot, ReadFault fault) => Answer ??= false;

        public void OnThrottled(TimeSpan wait) => IsHeldBack = true;

        public void OnClusterFault(KafkaBackupException error) => Trouble = error;
    }
}

/// <summary>A question about one record.</summary>
internal delegate bool RecordTest(in RecordView record);
