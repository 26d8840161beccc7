using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Engine.Restore;

/// <summary>Reads a part of a target partition as a read_committed consumer sees it.</summary>
internal sealed class CommittedRecords(RestoreScope scope)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan PatienceWithQuota = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>Hands every committed record in [from, end) to the test, as long as that says yes. Blocks its thread.</summary>
    /// <param name="most">How many records the test can take at once; asked before each batch.</param>
    /// <returns>Where reading ended: before the end only where the test said no, or an open transaction holds back the rest.</returns>
    /// <exception cref="KafkaBackupException">PartitionRead for a damaged batch; TargetUnavailable when nothing comes.</exception>
    public long Read(TopicPartition partition, long from, long end, Func<int> most, RecordTest test, CancellationToken cancel)
    {
        using var reader = scope.Cluster.OpenReader(new ReaderOptions(IsolationLevel.ReadCommitted, FetchBytes: 256 << 10));
        var sink = new Sink(from, end, test);
        reader.Assign(partition, from, 0);
        var movedAt = scope.Clock.GetTimestamp();
        while (!sink.IsOver)
        {
            cancel.ThrowIfCancellationRequested();
            if (reader.Poll(sink, most()) > 0)
            {
                movedAt = scope.Clock.GetTimestamp();
            }
            else if (reader.Position(0) >= end)
            {
                return end;
            }

            if (sink.Failed is { } fault)
            {
                if (fault.Kind == ReadFaultKind.BadMessage)
                {
                    throw RangeReader.Damaged(partition, sink.Next, fault);
                }

                if (fault.Kind == ReadFaultKind.OutOfRange)
                {
                    // Retention, or DeleteRecords, has been here.
                    var starts = scope.Cluster.ListOffsetsAsync([partition], OffsetBound.Earliest, cancel).GetAwaiter().GetResult();
                    sink.PassTo(starts[partition].Offset ?? 0);
                }

                // A broker that came back a moment ago, or has handed over, is asked again.
                cancel.WaitHandle.WaitOne(Pause);
                reader.Remove(0);
                reader.Assign(partition, sink.Next, 0);
            }

            if (scope.Clock.GetElapsedTime(movedAt) > (sink.IsHeldBack ? PatienceWithQuota : Patience))
            {
                var why = sink.Failed is { } last ? $" {last.Message} ({last.Code})" : "";
                throw ErrorIds.TargetUnavailable.With(
                    $"Target partition {partition} gave nothing more from offset {sink.Next} on, although its log ends at {end}.{why}",
                    partition.ToString()
                );
            }

            sink.Failed = null;
        }

        return sink.Next;
    }

    private sealed class Sink(long from, long end, RecordTest test) : IRecordSink
    {
        public bool IsOver { get; private set; }

        /// <summary>Behind the last record handed out, or the log's end.</summary>
        public long Next { get; private set; } = from;

        public ReadFault? Failed { get; set; }

        public bool IsHeldBack { get; private set; }

        public void PassTo(long offset)
        {
            Next = Math.Max(Next, offset);
            IsOver |= Next >= end;
        }

        public void OnRecord(int slot, in RecordView record)
        {
            if (IsOver)
            {
                return;
            }

            IsOver = record.Offset >= end || !test(record);
            Next = IsOver ? Next : record.Offset + 1;
        }

        public void OnEnd(int slot, long offset)
        {
            if (!IsOver)
            {
                Next = offset;
                IsOver = true;
            }
        }

        public void OnError(int slot, ReadFault fault) => Failed = fault;

        public void OnThrottled(TimeSpan wait) => IsHeldBack = true;

        public void OnClusterFault(KafkaBackupException error)
        {
            // The client library goes on trying; our patience decides.
        }
    }
}
