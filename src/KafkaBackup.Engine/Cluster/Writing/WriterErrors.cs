using KafkaBackup.Engine.Wire;

namespace KafkaBackup.Engine.Cluster;

/// <summary>Faults of a writer as a whole, in a user's words.</summary>
internal sealed class WriterErrors(WireConnections connections)
{
    private const string Advice = "Run again: the restore resumes from what the target holds. -Verbose shows what led to it.";

    private string Address => connections.Configuration.Address;

    /// <summary>Faults that do not go away by trying again: a login refused, a handshake failed.</summary>
    public static bool IsDefinitive(WireException fault) =>
        !fault.IsTransient && fault.Kind is not (WireFailure.Closed or WireFailure.ErrorCode);

    public KafkaBackupException Connection(WireException fault) => connections.Describe(fault);

    public KafkaBackupException Stopped(WireErrorCode code) =>
        ErrorIds.ClusterRequestFailed.With(
            code switch
            {
                WireErrorCode.OutOfOrderSequenceNumber =>
                    $"The cluster at {Address} does not have all records that it has acknowledged, so writing stopped ({code.KafkaName()}).",
                WireErrorCode.UnknownProducerId or WireErrorCode.InvalidProducerIdMapping =>
                    $"The cluster at {Address} does not know this producer any more, so writing stopped ({code.KafkaName()}).",
                _ => $"The cluster at {Address} refuses this producer, so writing stopped ({code.KafkaName()}).",
            },
            Address,
            Advice
        );

    public KafkaBackupException Stopped(WriteFault fault) =>
        ErrorIds.ClusterRequestFailed.With(
            $"A record was not stored, so writing to the cluster at {Address} stopped: {fault.Message}{(fault.Code.Length > 0 ? $" ({fault.Code})" : "")}.",
            Address,
            Advice
        );

    public KafkaBackupException Paused(TimeSpan time) =>
        ErrorIds.ClusterRequestFailed.With(
            $"This process did not run for {time.TotalSeconds:0} seconds, so another one may write to the cluster at {Address} by now.",
            Address,
            Advice
        );

    public KafkaBackupException Unexpected(Exception unexpected) =>
        ErrorIds.ClusterRequestFailed.With(
            $"Writing to the cluster at {Address} stopped: {unexpected.Message}",
            Address,
            inner: unexpected
        );

    public KafkaBackupException MustAbort() =>
        ErrorIds.ClusterRequestFailed.With("Records of this transaction could not be stored, so it must be aborted first.", Address);

    public KafkaBackupException LeftBehind(string id) =>
        ErrorIds.ClusterRequestFailed.With(
            $"A transaction of {id} was given up while records of it were still under way, so its producer cannot be used again.",
            Address
        );

    public KafkaBackupException Fenced() =>
        ErrorIds.ProducerFenced.With("Another producer has taken over the transactional id, so this one was shut out.", Address);

    public KafkaBackupException Fatal(WireErrorCode code) =>
        WriteFaults.IsFenced(code) ? Fenced()
        : WriteFaults.IsUnauthorized(code) ? Refused(code, "Writing")
        : Stopped(code);

    /// <summary>A broker answered a request about something (a group, a transactional id) with an error.</summary>
    public KafkaBackupException Refused(WireErrorCode code, string action)
    {
        return code switch
        {
            WireErrorCode.GroupAuthorizationFailed => ErrorIds.ClusterUnauthorized.With(
                $"{action} failed: this user has no right to the consumer group.",
                Address,
                "Grant this user Describe on the group; Read to change its offsets, Delete to remove any."
            ),
            WireErrorCode.TopicAuthorizationFailed => ErrorIds.ClusterUnauthorized.With(
                $"{action} failed: this user has no right to the topic.",
                Address,
                "Grant this user Describe on the topic; Read to back it up, to resume a restore and to move consumer groups; Write to restore it."
            ),
            WireErrorCode.ClusterAuthorizationFailed => ErrorIds.ClusterUnauthorized.With(
                $"{action} failed: this user has no right to the cluster for this.",
                Address,
                "Grant this user on the cluster what this needs: IdempotentWrite to restore (brokers before Kafka 2.8 ask for it; later ones take Write on any topic), Create to create topics, Describe to list groups."
            ),
            WireErrorCode.TransactionalIdAuthorizationFailed => ErrorIds.ClusterUnauthorized.With(
                $"{action} failed: this user has no right to the transactional id.",
                Address,
                "Grant this user Write and Describe on the transactional ids that begin with kafkabackup-restore-, or restore with delivery: idempotent."
            ),
            WireErrorCode.UnknownTopicOrPartition or WireErrorCode.UnknownTopicId => ErrorIds.TopicNotFound.With(
                $"{action} failed: the cluster at {Address} has no such topic or partition.",
                Address
            ),
            _ => ErrorIds.ClusterRequestFailed.With($"{action} failed: the cluster answered {code.KafkaName()}.", Address),
        };
    }
}
