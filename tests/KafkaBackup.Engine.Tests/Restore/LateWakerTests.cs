using KafkaBackup.Engine.Batches;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Records;
using KafkaBackup.Engine.Tests.Backup;
using KafkaBackup.LocalBroker;
using KafkaBackup.Testing;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>A transactional restore whose process is suspended, and wakes up after another one has taken its place.</summary>
public sealed class LateWakerTests
{
    /// <summary>Two transactions of 20,000 at most, so that the process falls asleep with committed progress behind it.</summary>
    private const int Records = 25_000;

    private const int PerSegment = 10_000;

    private static readonly TimeSpan BeyondItsTransaction = TimeSpan.FromSeconds(65);

    public static TheoryData<SleepBefore, bool> Sleeps
    {
        get
        {
            var data = new TheoryData<SleepBefore, bool>();
            foreach (var before in Enum.GetValues<SleepBefore>())
            {
                data.Add(before, true);
                data.Add(before, false);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Sleeps))]
    public async Task E2_a_process_that_wakes_after_its_successor_is_done_blames_the_successor(SleepBefore before, bool longSleep)
    {
        var slept = longSleep ? BeyondItsTransaction : TimeSpan.FromSeconds(5);
        var brokers = new ShiftingClock();
        await using var scenario = await FilledAsync(brokers);
        var (sleeper, nap) = await FallAsleepAsync(scenario, before);

        brokers.Shift(slept);
        await scenario.RestoredAsync(Asked());
        nap.Wake(slept);
        var woken = (await sleeper).Single();

        Assert.Equal(RestoreStatus.Failed, woken.Status);
        var partition = woken.Partitions.Single();
        Assert.True(partition.ErrorId == nameof(ErrorIds.ProducerFenced), $"{partition.ErrorId}: {partition.ErrorMessage}");
        scenario.AssertEqual("orders", committedOnly: true);
        scenario.AssertNoProgress();
    }

    /// <summary>The successor sleeps too, before its first commit: until then the mark is the first process's.</summary>
    [Fact]
    public async Task E2_a_process_that_wakes_before_its_successor_committed_goes_on_and_the_successor_blames_it()
    {
        var brokers = new ShiftingClock();
        await using var scenario = await FilledAsync(brokers);
        var (sleeper, nap) = await FallAsleepAsync(scenario, SleepBefore.Commit);
        brokers.Shift(BeyondItsTransaction);
        var (successor, shortNap) = await FallAsleepAsync(scenario, SleepBefore.Commit, afterCommits: 0);

        nap.Wake(BeyondItsTransaction);
        var woken = (await sleeper).Single();
        shortNap.Wake(TimeSpan.Zero);
        var overtaken = (await successor).Single();

        Assert.True(woken.Status == RestoreStatus.Complete, woken.Partitions.Single().ErrorMessage);
        Assert.Equal(nameof(ErrorIds.ProducerFenced), overtaken.Partitions.Single().ErrorId);
        scenario.AssertEqual("orders", committedOnly: true);
    }

    private static RestoreSettings Asked() => RestoreScenario.Asked() with { Delivery = DeliveryMode.Transactional };

    private static async Task<RestoreScenario> FilledAsync(TimeProvider brokers)
    {
        var scenario = new RestoreScenario(targetOptions: new LocalClusterOptions { Clock = brokers });
        scenario.Source.Cluster.CreateTopic("orders");
        scenario.Source.Fill("orders", Records);
        await scenario.Source.BackUpAsync(BackupScenario.Asked() with { SegmentMaxRecords = PerSegment });
        return scenario;
    }

    /// <summary>Begins a restore, and returns when it sleeps.</summary>
    private static async Task<(Task<IReadOnlyList<RestoreResult>> Running, Nap Nap)> FallAsleepAsync(
        RestoreScenario scenario,
        SleepBefore before,
        int afterCommits = 1
    )
    {
        var nap = new Nap(before, afterCommits);
        scenario.Clock = nap;
        scenario.WrapCluster = inner => new ClusterDouble(inner) { Writer = nap.Wrap };
        var planned = await scenario.PlanAsync(Asked());
        scenario.Clock = TimeProvider.System;
        scenario.WrapCluster = inner => inner;
        var running = RunAsync(planned, scenario.Cancel);
        Assert.NotSame(running, await Task.WhenAny(running, nap.Asleep.WaitAsync(scenario.Cancel)));
        return (running, nap);
    }

    private static async Task<IReadOnlyList<RestoreResult>> RunAsync(
        PlannedOperation<IReadOnlyList<RestoreReport>, IReadOnlyList<RestoreResult>> planned,
        CancellationToken cancel
    )
    {
        await using (planned)
        {
            return await planned.RunAsync(cancel);
        }
    }

    /// <summary>The call that the sleeping process is about to make.</summary>
    public enum SleepBefore
    {
        Begin,
        SendOffsets,
        Commit,
    }

    /// <summary>One suspended process: the call does not go on, and the process's clock stands still until it wakes up.</summary>
    private sealed class Nap(SleepBefore before, int afterCommits) : TimeProvider
    {
        private readonly TaskCompletionSource _asleep = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _awake = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long _fellAsleep;
        private long _behind;
        private int _commits;

        public Task Asleep => _asleep.Task;

        public override long GetTimestamp() =>
            Interlocked.Read(ref _fellAsleep) is > 0 and var stopped ? stopped : System.GetTimestamp() + Interlocked.Read(ref _behind);

        public IRecordWriter Wrap(IRecordWriter inner) => new Writer(inner, this);

        /// <param name="slept">What the process's clock says then.</param>
        public void Wake(TimeSpan slept)
        {
            var stopped = Interlocked.Read(ref _fellAsleep);
            Interlocked.Exchange(ref _behind, stopped + (long)(slept.TotalSeconds * TimestampFrequency) - System.GetTimestamp());
            Interlocked.Exchange(ref _fellAsleep, 0);
            _awake.SetResult();
        }

        private Task AtAsync(SleepBefore call)
        {
            if (call != before || Volatile.Read(ref _commits) != afterCommits || !_asleep.TrySetResult())
            {
                return Task.CompletedTask;
            }

            Interlocked.Exchange(ref _fellAsleep, System.GetTimestamp());
            return _awake.Task;
        }

        private sealed class Writer(IRecordWriter inner, Nap nap) : IRecordWriter
        {
            private bool _opened;

            public int Pending => inner.Pending;

            public void Open(KafkaBackup.TopicPartition partition, int slot, PartitionSequence? sequence = null)
            {
                _opened = true;
                inner.Open(partition, slot, sequence);
            }

            public void Close(int slot) => inner.Close(slot);

            public SendOutcome Send(int slot, in RecordView record, ReadOnlySpan<HeaderSlice> extraHeaders, long tag) =>
                inner.Send(slot, record, extraHeaders, tag);

            public void Compress(int slot, BatchCodec codec) => inner.Compress(slot, codec);

            public bool Keeps(in RecordBatch batch) => inner.Keeps(batch);

            public SendOutcome SendBatch(int slot, in RecordBatch batch, long tag) => inner.SendBatch(slot, batch, tag);

            public int Poll(IDeliverySink sink, TimeSpan wait) => inner.Poll(sink, wait);

            public void Flush() => inner.Flush();

            public void Purge() => inner.Purge();

            public Task InitTransactionsAsync(CancellationToken cancel) => inner.InitTransactionsAsync(cancel);

            public void BeginTransaction()
            {
                AtAsync(SleepBefore.Begin).GetAwaiter().GetResult();
                inner.BeginTransaction();
            }

            public async Task SendOffsetsAsync(string group, IReadOnlyCollection<GroupOffset> offsets, CancellationToken cancel)
            {
                await AtAsync(SleepBefore.SendOffsets);
                await inner.SendOffsetsAsync(group, offsets, cancel);
            }

            public async Task CommitTransactionAsync(CancellationToken cancel)
            {
                await AtAsync(SleepBefore.Commit);
                await inner.CommitTransactionAsync(cancel);
                if (_opened)
                {
                    Interlocked.Increment(ref nap._commits);
                }
            }

            public Task AbortTransactionAsync(CancellationToken cancel) => inner.AbortTransactionAsync(cancel);

            public void Dispose() => inner.Dispose();

            /// <summary>Only what writes records: the marks' own transactions are others'.</summary>
            private Task AtAsync(SleepBefore call) => _opened ? nap.AtAsync(call) : Task.CompletedTask;
        }
    }
}
