using System.Diagnostics;
using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Messages;

namespace KafkaBackup.Engine.Cluster;

/// <summary>What becomes of a batch after an attempt: stored, sent again, or failed for good.</summary>
internal sealed class AttemptOutcomes(Deliveries deliveries, WireCluster cluster, Transaction? transaction, WriterErrors errors)
{
    /// <summary>So many failures in a row are worth a word.</summary>
    private const int ToldFrom = 3;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <summary>New topics, and brokers that come back, are not known everywhere at once.</summary>
    private static readonly TimeSpan UnknownPatience = TimeSpan.FromSeconds(10);

    public static ProducedPartition? Find(ProduceResponse answer, TopicPartition partition)
    {
        foreach (var topic in answer.Topics)
        {
            if (topic.Name == partition.Topic)
            {
                foreach (var produced in topic.Partitions)
                {
                    if (produced.Index == partition.Partition)
                    {
                        return produced;
                    }
                }
            }
        }

        return null;
    }

    /// <summary>Under the gate.</summary>
    public void Settle(TargetLine line, OutgoingBatch batch, ProducedPartition? answered, IReadOnlyList<FetchEndpoint> endpoints)
    {
        if (answered is not { } partition)
        {
            batch.MayBeStored = true;
            Again(line, batch, "the broker's answer does not mention it");
            return;
        }

        var code = partition.Error;
        switch (code)
        {
            case WireErrorCode.None:
            case WireErrorCode.DuplicateSequenceNumber:
                batch.State = BatchState.Stored;
                batch.Offset = code == WireErrorCode.None ? partition.BaseOffset : -1;
                (line.IsKnownThere, line.Failures, line.UnknownSince) = (true, 0, 0);
                return;
            case WireErrorCode.OutOfOrderSequenceNumber when line.HasUnstoredBefore(batch):
                Again(line, batch, null);
                return;
            case WireErrorCode.CorruptMessage when line.Failures < ToldFrom:
                Again(line, batch, code.KafkaName());
                return;
        }

        if (WriteFaults.IsRefusal(code))
        {
            batch.RecordFaults = WriteFaults.Records(code, partition.RecordErrors);
            Deliveries.Fail(batch, WriteFaults.Refused(code, partition.Message));
        }
        else if (WriteFaults.IsUnauthorized(code))
        {
            Deliveries.Fail(batch, WriteFaults.Unauthorized(code));
        }
        else if (WriteFaults.IsUnknown(code))
        {
            batch.State = BatchState.Waiting;
            line.IsRecovering = true;
            cluster.NoteError(line.Partition.Topic, line.Partition.Partition, WireErrorCode.UnknownTopicOrPartition);
            Unknown(line);
        }
        else if (code.IsRetriable())
        {
            // The leader has it, and its followers may get it yet.
            batch.MayBeStored |= code is WireErrorCode.RequestTimedOut or WireErrorCode.NotEnoughReplicasAfterAppend;
            cluster.NoteError(line.Partition.Topic, line.Partition.Partition, code, partition.Leader, endpoints);
            line.UnknownSince = 0;
            Again(line, batch, $"{code.KafkaName()}{(partition.Message is { } text ? $" ({text.TrimEnd('.')})" : "")}");
        }
        else if (code is WireErrorCode.InvalidTxnState or WireErrorCode.TransactionAbortable)
        {
            Deliveries.Fail(batch, WriteFaults.Uncertain(code, partition.Message));
        }
        else if (
            WriteFaults.IsFenced(code)
            || code is WireErrorCode.OutOfOrderSequenceNumber or WireErrorCode.UnknownProducerId or WireErrorCode.InvalidProducerIdMapping
        )
        {
            batch.MayBeStored = code == WireErrorCode.OutOfOrderSequenceNumber;
            batch.State = BatchState.Waiting;
            deliveries.Stop(transaction?.Finish(code) ?? errors.Stopped(code));
        }
        else
        {
            batch.MayBeStored = true;
            Deliveries.Fail(batch, WriteFaults.Uncertain(code, partition.Message));
        }
    }

    /// <summary>Under the gate: sends it again, with everything behind it that is not stored.</summary>
    public void Again(TargetLine line, OutgoingBatch batch, string? why)
    {
        batch.State = BatchState.Waiting;
        if (!line.IsRecovering)
        {
            Backoff(line);
        }

        line.IsRecovering = true;
        if (why is not null && line.Failures >= ToldFrom)
        {
            deliveries.Tell(
                ErrorIds.TargetUnavailable.With(
                    $"Partition {line.Partition} does not store what is sent to it: {why.TrimEnd('.')}.",
                    line.Partition.ToString()
                )
            );
        }
    }

    public void NoLeader(TargetLine line, WireErrorCode code)
    {
        cluster.NoteError(line.Partition.Topic, line.Partition.Partition, WireErrorCode.LeaderNotAvailable);
        lock (deliveries.Gate)
        {
            if (WriteFaults.IsUnknown(code))
            {
                Unknown(line);
            }
            else if (code == WireErrorCode.TopicAuthorizationFailed)
            {
                deliveries.Fail(line, WriteFaults.Unauthorized(code));
            }
            else
            {
                line.UnknownSince = 0;
                Backoff(line);
                if (line.Failures >= ToldFrom)
                {
                    deliveries.Tell(
                        ErrorIds.TargetUnavailable.With($"Partition {line.Partition} has no leader.", line.Partition.ToString())
                    );
                }
            }
        }
    }

    /// <summary>Under the gate.</summary>
    public void Unknown(TargetLine line)
    {
        if (line.UnknownSince == 0)
        {
            line.UnknownSince = Stopwatch.GetTimestamp();
        }

        if (Stopwatch.GetElapsedTime(line.UnknownSince) < UnknownPatience)
        {
            Backoff(line);
        }
        else
        {
            deliveries.Fail(line, WriteFaults.Unknown(line.Partition));
        }
    }

    /// <summary>Under the gate.</summary>
    public static void Backoff(TargetLine line)
    {
        line.Failures++;
        line.NotBefore = PauseUntil(line.Failures);
    }

    /// <summary>Until when to wait after so many failures in a row.</summary>
    public static long PauseUntil(int failures) =>
        Stopwatch.GetTimestamp()
        + (long)(Wire.Connections.Backoff.After(failures, FirstPause, LongestPause, 0.2).TotalSeconds * Stopwatch.Frequency);
}
