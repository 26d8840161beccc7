using KafkaBackup.Engine.Cluster.Native;
using ErrorCode = Confluent.Kafka.ErrorCode;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// The blocking transaction calls, made off the caller's thread in short slices: each may be called again after it timed out and goes on
/// where it was, so a cancelled caller is let go soon. Errors come in three kinds: try again, abort and start over, finished for good.
/// </summary>
internal sealed class TransactionCalls(KafkaClient client)
{
    private const int SliceMs = 500;

    /// <summary>
    /// Resolving the state of a transaction takes the coordinator's answer; shorter slices would only repeat the question.
    /// </summary>
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(50);

    public Task InitAsync(CancellationToken cancel) =>
        RunAsync("Preparing the transactional producer", handle => LibRdKafka.rd_kafka_init_transactions(handle, SliceMs), cancel);

    public void Begin()
    {
        if (NativeError.Take(LibRdKafka.rd_kafka_begin_transaction(client.Client)) is { } error)
        {
            throw Classify(error, "Beginning a transaction");
        }
    }

    public Task SendOffsetsAsync(string group, IReadOnlyCollection<GroupOffset> offsets, CancellationToken cancel) =>
        RunAsync($"Committing the offsets of group '{group}' in the transaction", handle => SendOffsets(handle, group, offsets), cancel);

    public Task CommitAsync(CancellationToken cancel) =>
        RunAsync("Committing the transaction", handle => LibRdKafka.rd_kafka_commit_transaction(handle, SliceMs), cancel);

    /// <summary>
    /// Reports of the records that are dropped have no reader; they are taken off the queue, or the library would wait for that.
    /// </summary>
    public async Task AbortAsync(Action aborted, CancellationToken cancel)
    {
        var abort = RunAsync("Aborting the transaction", handle => LibRdKafka.rd_kafka_abort_transaction(handle, SliceMs), cancel);
        while (!abort.IsCompleted)
        {
            client.Pump();
            await Task.WhenAny(abort, Task.Delay(RetryPause, CancellationToken.None)).ConfigureAwait(false);
        }

        client.Pump();
        await abort.ConfigureAwait(false);
        aborted();
    }

    public KafkaBackupException Fatal(NativeError error) =>
        error.Code is ErrorCode.Local_Fenced or ErrorCode.ProducerFenced or ErrorCode.InvalidProducerEpoch
            ? ErrorIds.ProducerFenced.With(
                $"Another producer has taken over the transactional id, so this one was shut out.",
                client.Address
            )
        : error.Code
            is ErrorCode.ClusterAuthorizationFailed
                or ErrorCode.TransactionalIdAuthorizationFailed
                or ErrorCode.TopicAuthorizationFailed
            ? KafkaErrors.Request(error, "Writing", client.Address, client.Address)
        : ErrorIds.ClusterRequestFailed.With(
            $"The client library gave up its producer for {client.Address}: {LibRdKafka.ErrorText((int)error.Code)} ({error.Name}).",
            client.Address,
            "Run again: the restore resumes from what the target holds. -Verbose shows what the library said."
        );

    private async Task RunAsync(string action, Func<nint, nint> call, CancellationToken cancel)
    {
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            var error = await Task.Run(
                    () =>
                    {
                        using var lease = client.Hold();
                        return NativeError.Take(call(lease.Client));
                    },
                    CancellationToken.None
                )
                .ConfigureAwait(false);
            if (error is null)
            {
                return;
            }

            if (!error.Value.IsRetriable)
            {
                throw Classify(error.Value, action);
            }

            if (client.Faults.Definitive is { } definitive)
            {
                throw KafkaErrors.Connection(definitive, client.Address);
            }

            await Task.Delay(RetryPause, cancel).ConfigureAwait(false);
        }
    }

    public Exception Classify(NativeError error, string action)
    {
        if (error.RequiresAbort)
        {
            return new AbortableTransactionException($"{action} failed: {error.Text} ({error.Name}).");
        }

        return error.IsFatal || error.Code is ErrorCode.Local_Fenced or ErrorCode.ProducerFenced
            ? Fatal(error)
            : KafkaErrors.Request(error, action, client.Address, client.Address);
    }

    private static unsafe nint SendOffsets(nint handle, string group, IReadOnlyCollection<GroupOffset> offsets)
    {
        using var list = new PartitionList(offsets.Count);
        foreach (var offset in offsets)
        {
            list.Add(offset);
        }

        var metadata = LibRdKafka.rd_kafka_consumer_group_metadata_new(group);
        var error = LibRdKafka.rd_kafka_send_offsets_to_transaction(handle, list.Pointer, metadata, SliceMs * 10);
        LibRdKafka.rd_kafka_consumer_group_metadata_destroy(metadata);
        return error;
    }
}
