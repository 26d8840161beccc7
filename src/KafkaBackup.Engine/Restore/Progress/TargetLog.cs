using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// What target partitions hold, asked from the cluster itself: the only witness of how far a restore really came (rule E2).
/// </summary>
internal sealed class TargetLog(IKafkaCluster cluster, TimeProvider clock, IEngineEvents events)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ReadBudget = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ReadBudgetWithQuota = TimeSpan.FromMinutes(5);

    public Task<IReadOnlyDictionary<TopicPartition, long>> StartsAsync(
        IReadOnlyCollection<TopicPartition> partitions,
        CancellationToken cancel
    ) => BoundsAsync(partitions, OffsetBound.Earliest, cancel);

    public Task<IReadOnlyDictionary<TopicPartition, long>> EndsAsync(
        IReadOnlyCollection<TopicPartition> partitions,
        CancellationToken cancel
    ) => BoundsAsync(partitions, OffsetBound.HighWatermark, cancel);

    public async Task<long> EndAsync(TopicPartition partition, CancellationToken cancel) =>
        (await EndsAsync([partition], cancel).ConfigureAwait(false))[partition];

    /// <summary>
    /// The end, once no transaction is open: what a fenced process left open is being aborted. Else where the open one begins.
    /// </summary>
    public async Task<(long End, bool IsOpen)> SettledEndAsync(TargetWork work, TimeSpan patience, CancellationToken cancel)
    {
        var began = clock.GetTimestamp();
        while (true)
        {
            var stable = (await BoundsAsync([work.Target], OffsetBound.LastStable, cancel).ConfigureAwait(false))[work.Target];
            var end = await EndAsync(work.Target, cancel).ConfigureAwait(false);
            if (stable >= end)
            {
                return (end, false);
            }

            if (clock.GetElapsedTime(began) > patience)
            {
                return (stable, true);
            }

            await Task.Delay(Look, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Asks again while brokers are away, or do not know their topics yet.</summary>
    private async Task<IReadOnlyDictionary<TopicPartition, long>> BoundsAsync(
        IReadOnlyCollection<TopicPartition> partitions,
        OffsetBound bound,
        CancellationToken cancel
    )
    {
        var patience = new TargetPatience(clock, events);
        while (true)
        {
            KafkaBackupException? error;
            try
            {
                var answers = await cluster.ListOffsetsAsync(partitions, bound, cancel).ConfigureAwait(false);
                error = answers.Values.FirstOrDefault(a => a.Error is not null)?.Error;
                if (error is null)
                {
                    return answers.ToDictionary(a => a.Key, a => a.Value.Offset ?? 0);
                }
            }
            catch (KafkaBackupException failed)
            {
                error = failed;
            }

            await patience.PauseAsync(error, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Waits until the ends have not moved for the quiet time: requests of a killed process may still be handled after its death.
    /// Partitions that something goes on writing to are left out of the answer after a while.
    /// </summary>
    public async Task<IReadOnlyDictionary<TopicPartition, long>> QuietEndsAsync(
        IReadOnlyCollection<TopicPartition> partitions,
        TimeSpan quiet,
        CancellationToken cancel
    )
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
                events.Verbose(
                    $"{moved.Length} target partitions still grow, among them {moved[0]}; waiting for them to be still for {quiet.TotalSeconds:0.#} s."
                );
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
    public Task<bool> HoldsAsync(TopicPartition partition, long offset, RecordTest compare, CancellationToken cancel) =>
        Task.Run(
            () =>
            {
                using var reader = cluster.OpenReader(
                    new ReaderOptions(IsolationLevel.ReadUncommitted, QueuedBytes: 4 << 20, FetchBytes: 256 << 10)
                );
                var sink = new OneRecord(partition, offset, compare);
                reader.Assign(partition, offset, 0);
                var began = clock.GetTimestamp();
                while (sink.Answer is null)
                {
                    cancel.ThrowIfCancellationRequested();
                    reader.Poll(sink);
                    if (sink.Failed)
                    {
                        // A broker that came back a moment ago, or has handed over: it is asked again.
                        sink.Failed = false;
                        cancel.WaitHandle.WaitOne(Look);
                        reader.Remove(0);
                        reader.Assign(partition, offset, 0);
                    }

                    if (clock.GetElapsedTime(began) > (sink.IsHeldBack ? ReadBudgetWithQuota : ReadBudget))
                    {
                        throw ErrorIds.TargetUnavailable.With(
                            $"Offset {offset} of target partition {partition} could not be read within {ReadBudget.TotalSeconds:0} s.",
                            partition.ToString(),
                            inner: sink.Trouble
                        );
                    }
                }

                return sink.Answer.Value;
            },
            cancel
        );

    private sealed class OneRecord(TopicPartition partition, long offset, RecordTest compare) : IRecordSink
    {
        public bool? Answer { get; private set; }

        public KafkaBackupException? Trouble { get; private set; }

        public bool Failed { get; set; }

        /// <summary>By a quota of the cluster.</summary>
        public bool IsHeldBack { get; private set; }

        public void OnRecord(int slot, in RecordView record) => Answer ??= record.Offset == offset && compare(record);

        public void OnEnd(int slot, long end) => Answer ??= false;

        /// <summary>Only an offset that is not in the log is an answer, and bytes that cannot be read.</summary>
        public void OnError(int slot, ReadFault fault)
        {
            Failed = fault.Kind is not (ReadFaultKind.OutOfRange or ReadFaultKind.BadMessage);
            Answer ??= Failed ? null : false;
            Trouble = Failed ? ErrorIds.ClusterRequestFailed.With($"{fault.Message} ({fault.Code})", partition) : Trouble;
        }

        public void OnThrottled(TimeSpan wait) => IsHeldBack = true;

        public void OnClusterFault(KafkaBackupException error) => Trouble = error;
    }
}

/// <summary>A question about one record.</summary>
internal delegate bool RecordTest(in RecordView record);
