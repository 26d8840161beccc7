using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Backup;

/// <summary>A record that was found in a log, to be compared with what is stored.</summary>
/// <param name="Digests">As it is, and with offset headers: it may have been stored either way.</param>
internal sealed record ProbedRecord(long Offset, int LeaderEpoch, IReadOnlyList<string> Digests)
{
    public static ProbedRecord Of(in RecordView record, OffsetHeaders headers) =>
        new(record.Offset, record.LeaderEpoch, [.. Forms(record), .. Forms(headers.With(record))]);

    /// <summary>
    /// Version 0.1 stored a record in the format from before there were timestamps as one that has no kind of timestamp; now its batch says
    /// that it has the producer's.
    /// </summary>
    private static string[] Forms(in RecordView record) =>
        record is { Timestamp: -1, TimestampKind: TimestampKind.CreateTime }
            ? [RecordDigest.Of(record), RecordDigest.Of(WithoutKind(record))]
            : [RecordDigest.Of(record)];

    private static RecordView WithoutKind(in RecordView record) =>
        new()
        {
            Offset = record.Offset,
            Timestamp = record.Timestamp,
            TimestampKind = TimestampKind.NotAvailable,
            Key = record.Key,
            KeyIsNull = record.KeyIsNull,
            Value = record.Value,
            ValueIsNull = record.ValueIsNull,
            Headers = record.Headers,
        };
}

/// <summary>One look into a log. Without record, fault or failure the log has none from the offset on.</summary>
internal sealed class LogProbe(StoredLog log, long offset)
{
    public StoredLog Log => log;

    public long Offset => offset;

    public ProbedRecord? Found { get; set; }

    public KafkaBackupException? Failure { get; set; }

    /// <summary>The log does not reach there any more.</summary>
    public bool IsOutOfRange { get; set; }

    public bool IsOver { get; set; }
}

/// <summary>Reads single records here and there, many partitions at a time.</summary>
internal sealed class LogProber : IRecordSink, IDisposable
{
    private const int AtOnce = 64;

    /// <summary>Outlasts the election of new leaders.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly LogProbe?[] _slots = new LogProbe?[AtOnce];
    private readonly OffsetHeaders _headers = new();

    /// <param name="patience">For how long nothing at all may come before what is left has failed.</param>
    public static Task ReadAsync(
        IKafkaCluster cluster,
        TimeProvider clock,
        IReadOnlyCollection<LogProbe> probes,
        TimeSpan patience,
        CancellationToken cancel
    ) =>
        probes.Count == 0
            ? Task.CompletedTask
            : Task.Run(
                () =>
                {
                    using var prober = new LogProber();
                    prober.Read(cluster, clock, probes, patience, cancel);
                },
                cancel
            );

    public void Dispose() => _headers.Dispose();

    void IRecordSink.OnRecord(int slot, in RecordView record)
    {
        if (_slots[slot] is { IsOver: false } probe && record.Offset >= probe.Offset)
        {
            probe.Found = ProbedRecord.Of(record, _headers);
            probe.IsOver = true;
        }
    }

    void IRecordSink.OnEnd(int slot, long offset)
    {
        if (_slots[slot] is { } probe)
        {
            probe.IsOver = true;
        }
    }

    void IRecordSink.OnError(int slot, ReadFault fault)
    {
        if (_slots[slot] is { IsOver: false } probe)
        {
            probe.IsOver = true;
            probe.IsOutOfRange = fault.Kind == ReadFaultKind.OutOfRange;
            probe.Failure = probe.IsOutOfRange ? null : LogInspection.Describe(probe.Log.Id, probe.Offset, fault);
        }
    }

    void IRecordSink.OnClusterFault(KafkaBackupException error)
    {
        // The library goes on trying; a client that gets nothing within the patience has failed.
    }

    private void Read(
        IKafkaCluster cluster,
        TimeProvider clock,
        IReadOnlyCollection<LogProbe> probes,
        TimeSpan patience,
        CancellationToken cancel
    )
    {
        // A partition can be read at one place at a time only.
        using var reader = cluster.OpenReader(new ReaderOptions(IsolationLevel.ReadCommitted, QueuedBytes: 8 << 20, FetchBytes: 64 << 10));
        var waiting = new LinkedList<LogProbe>(probes);
        var moved = clock.GetTimestamp();
        while (waiting.Count > 0 || _slots.Any(s => s is not null))
        {
            cancel.ThrowIfCancellationRequested();
            Fill(reader, waiting);
            reader.Poll(this);
            if (Free(reader))
            {
                moved = clock.GetTimestamp();
            }
            else if (clock.GetElapsedTime(moved) > patience)
            {
                foreach (var probe in _slots.OfType<LogProbe>().Concat(waiting))
                {
                    probe.Failure = ErrorIds.PartitionStalled.With(
                        $"Partition {probe.Log.Id} gave nothing for {patience.TotalSeconds:0} s at offset {probe.Offset}.",
                        probe.Log.Id.ToString()
                    );
                }

                return;
            }
        }
    }

    private void Fill(IRecordReader reader, LinkedList<LogProbe> waiting)
    {
        var busy = _slots.OfType<LogProbe>().Select(p => p.Log.Id).ToHashSet();
        for (var index = 0; index < _slots.Length && waiting.Count > 0; index++)
        {
            if (_slots[index] is null && waiting.FirstOrDefault(p => !busy.Contains(p.Log.Id)) is { } next)
            {
                waiting.Remove(next);
                busy.Add(next.Log.Id);
                _slots[index] = next;
                reader.Assign(next.Log.Id, next.Offset, index);
            }
        }
    }

    private bool Free(IRecordReader reader)
    {
        var any = false;
        for (var index = 0; index < _slots.Length; index++)
        {
            if (_slots[index] is { IsOver: true })
            {
                reader.Remove(index);
                _slots[index] = null;
                any = true;
            }
        }

        return any;
    }
}
