using KafkaBackup.Engine.Cluster.Native;
using ErrorCode = Confluent.Kafka.ErrorCode;

namespace KafkaBackup.Engine.Cluster;

/// <summary>Turns the library's errors into the user's: which row of <see cref="ErrorIds"/>, and what to do in this very case.</summary>
internal static class KafkaErrors
{
    /// <summary>A request about something (a topic, a group) failed.</summary>
    public static KafkaBackupException Request(NativeError error, string action, object? target, string address) =>
        error.Code switch
        {
            ErrorCode.UnknownTopicOrPart or ErrorCode.Local_UnknownTopic or ErrorCode.Local_UnknownPartition or ErrorCode.UnknownTopicId =>
                ErrorIds.TopicNotFound.With($"{action} failed: the cluster at {address} has no such topic or partition.", target),
            ErrorCode.Local_NoEnt => ErrorIds.TopicNotFound.With(
                $"{action} failed: the cluster at {address} has no such topic or partition, or none that has a leader now.",
                target,
                "Check the topic's name and that all brokers are up; names are case-sensitive."
            ),
            ErrorCode.TopicAuthorizationFailed => ErrorIds.ClusterUnauthorized.With(
                $"{action} failed: this user has no right to the topic.",
                target,
                "Grant this user Describe on the topic; Read to back it up, to resume a restore and to move consumer groups; Write to restore it."
            ),
            ErrorCode.GroupAuthorizationFailed => ErrorIds.ClusterUnauthorized.With(
                $"{action} failed: this user has no right to the consumer group.",
                target,
                "Grant this user Describe on the group; Read to change its offsets, Delete to remove any."
            ),
            ErrorCode.ClusterAuthorizationFailed => ErrorIds.ClusterUnauthorized.With(
                $"{action} failed: this user has no right to the cluster for this.",
                target,
                "Grant this user on the cluster what this needs: IdempotentWrite to restore (brokers before Kafka 2.8 ask for it; later ones take Write on any topic), Create to create topics, Describe to list groups."
            ),
            ErrorCode.TransactionalIdAuthorizationFailed => ErrorIds.ClusterUnauthorized.With(
                $"{action} failed: this user has no right to the transactional id.",
                target,
                "Grant this user Write and Describe on the transactional ids that begin with kafkabackup-restore-, or restore with delivery: idempotent."
            ),
            ErrorCode.Local_Authentication or ErrorCode.SaslAuthenticationFailed or ErrorCode.Local_Ssl or ErrorCode.Local_Resolve =>
                Connection(error, address),
            ErrorCode.Local_Transport
            or ErrorCode.Local_AllBrokersDown
            or ErrorCode.Local_TimedOut
            or ErrorCode.Local_TimedOutQueue
            or ErrorCode.RequestTimedOut => ErrorIds.ClusterUnreachable.With(
                $"{action} failed: the cluster at {address} did not answer ({Short(error.Text)}).",
                target,
                "Check that the brokers are up and reachable from here, then run again."
            ),
            ErrorCode.PolicyViolation => ErrorIds.ClusterRequestFailed.With(
                $"{action} failed: a policy of the cluster forbids it ({Short(error.Text)}).",
                target,
                "Ask the cluster's administrator what its policy allows."
            ),
            ErrorCode.Local_UnsupportedFeature or ErrorCode.UnsupportedVersion => ErrorIds.ClusterRequestFailed.With(
                $"{action} failed: the cluster is too old for this ({Short(error.Text)}).",
                target,
                "Upgrade the cluster, or leave out what needs this."
            ),
            ErrorCode.UnstableOffsetCommit => ErrorIds.ClusterUnreachable.With(
                $"{action} failed: a transaction that changes them is still open.",
                target,
                "Wait for it to end, then run again; brokers abort one that was left behind when its time-out is over."
            ),
            _ => ErrorIds.ClusterRequestFailed.With($"{action} failed: {Short(error.Text)} ({error.Name}).", target),
        };

    /// <summary>The broker that had to answer did not, though the cluster as a whole is there.</summary>
    public static KafkaBackupException Silence(NativeError reason, string action, object? target, string address) =>
        ErrorIds.ClusterUnreachable.With(
            $"{action} failed: a broker of the cluster at {address} did not answer ({Short(reason.Text)}).",
            target,
            "Check that all brokers are up and reachable from here, then run again."
        );

    /// <summary>
    /// Nobody has answered yet, and a connection was closed by the other side without a word: when it did so hints at why.
    /// </summary>
    public static KafkaBackupException FirstContact(NativeError error, string address)
    {
        if (!Contains(error.Text, "closed by peer"))
        {
            return Connection(error, address);
        }

        if (Contains(error.Text, "in state SSL_HANDSHAKE"))
        {
            return ListenerWithoutTls(address);
        }

        var tls = Contains(error.Text, "ssl://");
        var opening = Contains(error.Text, "in state APIVERSION");
        return (opening, tls) switch
        {
            (true, true) => ErrorIds.ClusterTls.With(
                $"The cluster at {address} closed the connection right after the TLS handshake; it seems to demand a client certificate.",
                address,
                "Give a client certificate and key that the cluster trusts (client_cert, client_key)."
            ),
            (true, false) => ClosedByTlsListener(address),
            (false, _) when !Contains(error.Text, "sasl_") => ClosedForWantOfLogin(address),
            _ => Connection(error, address),
        };
    }

    /// <summary>Nothing came, and no connection failed: all there is to go by is what the library complained about.</summary>
    public static KafkaBackupException NoAnswer(string? lastWords, TimeSpan waited, string address) =>
        ErrorIds.ClusterUnreachable.With(
            $"The cluster at {address} did not answer within {waited.TotalSeconds:0} seconds{(lastWords is null ? "" : $"; the client library says: {Short(lastWords)}")}.",
            address
        );

    /// <summary>A connection could not be made or did not hold.</summary>
    public static KafkaBackupException Connection(NativeError error, string address)
    {
        var text = Short(error.Text);
        if (Contains(text, "not valid in current SASL state"))
        {
            return ErrorIds.ClusterAuthentication.With(
                $"The cluster at {address} does not ask for a login on this listener, but security_protocol says that it does.",
                address,
                "Set security_protocol to PLAINTEXT or SSL, or use the address of a listener with SASL."
            );
        }

        if (error.Code is ErrorCode.Local_Authentication or ErrorCode.SaslAuthenticationFailed || IsSaslRefusal(text))
        {
            return Contains(text, "Unsupported SASL mechanism") || Contains(text, "mechanism not supported")
                ? ErrorIds.ClusterAuthentication.With(
                    $"The cluster at {address} does not accept this SASL mechanism: {text}.",
                    address,
                    "Use one of the mechanisms that the message names (sasl_mechanism)."
                )
                : ErrorIds.ClusterAuthentication.With($"The cluster at {address} refused to log in this user: {text}.", address);
        }

        if (Contains(text, "SSL listener"))
        {
            return ClosedByTlsListener(address);
        }

        if (Contains(text, "PLAINTEXT broker listener"))
        {
            return ListenerWithoutTls(address);
        }

        if (Contains(text, "security.protocol"))
        {
            return ClosedForWantOfLogin(address);
        }

        if (error.Code == ErrorCode.Local_Ssl || Contains(text, "SSL handshake failed"))
        {
            return Tls(text, address);
        }

        if (error.Code == ErrorCode.Local_Resolve)
        {
            return ErrorIds.ClusterUnreachable.With(
                $"The cluster at {address} cannot be reached: {text}.",
                address,
                "Check the host name in bootstrap_servers and this machine's name resolution."
            );
        }

        return Contains(text, "Connection refused")
            ? ErrorIds.ClusterUnreachable.With(
                $"The cluster at {address} cannot be reached: nothing listens there ({text}).",
                address,
                "Check the port in bootstrap_servers, and that the broker runs."
            )
            : ErrorIds.ClusterUnreachable.With($"The cluster at {address} cannot be reached: {text}.", address);
    }

    private static KafkaBackupException ClosedByTlsListener(string address) =>
        ErrorIds.ClusterTls.With(
            $"The cluster at {address} closed the connection at once; its listener seems to speak TLS, but security_protocol says it does not.",
            address,
            "Set security_protocol to SSL or SASL_SSL, or use the address of a plaintext listener."
        );

    private static KafkaBackupException ListenerWithoutTls(string address) =>
        ErrorIds.ClusterTls.With(
            $"The listener at {address} does not speak TLS, but security_protocol asks for it.",
            address,
            "Set security_protocol to PLAINTEXT or SASL_PLAINTEXT, or use the address of a TLS listener."
        );

    private static KafkaBackupException ClosedForWantOfLogin(string address) =>
        ErrorIds.ClusterAuthentication.With(
            $"The cluster at {address} closed the connection as soon as it was asked something; its listener seems to demand a login.",
            address,
            "Set security_protocol to SASL_PLAINTEXT or SASL_SSL, and sasl_mechanism, user name and password."
        );

    private static KafkaBackupException Tls(string text, string address)
    {
        if (Contains(text, "certificate verify failed") || Contains(text, "self-signed") || Contains(text, "self signed"))
        {
            return ErrorIds.ClusterTls.With(
                $"The certificate of the cluster at {address} is not trusted: {text}.",
                address,
                "Give the CA that signed it (ca_cert), and use a host name that the certificate names."
            );
        }

        return Contains(text, "certificate required") || Contains(text, "bad certificate") || Contains(text, "unknown ca")
            ? ErrorIds.ClusterTls.With(
                $"The cluster at {address} did not accept this client's certificate: {text}.",
                address,
                "Give a client certificate and key that the cluster trusts (client_cert, client_key)."
            )
            : ErrorIds.ClusterTls.With($"The TLS handshake with the cluster at {address} failed: {text}.", address);
    }

    /// <summary>Faults that do not go away by trying again: a log-in refused, a handshake failed.</summary>
    public static bool IsDefinitive(NativeError error) =>
        error.Code is ErrorCode.Local_Authentication or ErrorCode.SaslAuthenticationFailed or ErrorCode.Local_Ssl
        || Contains(error.Text, "SSL handshake failed")
        || Contains(error.Text, "SSL listener")
        || Contains(error.Text, "security.protocol")
        || IsSaslRefusal(error.Text);

    /// <summary>Errors that pass by themselves: elections, new topics not everywhere known yet, a broker that restarts.</summary>
    public static bool IsPassing(ErrorCode code) =>
        code
            is ErrorCode.LeaderNotAvailable
                or ErrorCode.NotLeaderForPartition
                or ErrorCode.ReplicaNotAvailable
                or ErrorCode.BrokerNotAvailable
                or ErrorCode.RequestTimedOut
                or ErrorCode.NetworkException
                or ErrorCode.KafkaStorageError
                or ErrorCode.FencedLeaderEpoch
                or ErrorCode.UnknownLeaderEpoch
                or ErrorCode.OffsetNotAvailable
                or ErrorCode.GroupLoadInProgress
                or ErrorCode.GroupCoordinatorNotAvailable
                or ErrorCode.NotCoordinatorForGroup
                or ErrorCode.NotController
                or ErrorCode.UnstableOffsetCommit
                or ErrorCode.ConcurrentTransactions
                or ErrorCode.Local_Transport
                or ErrorCode.Local_TimedOut
                or ErrorCode.Local_TimedOutQueue
                or ErrorCode.Local_WaitCache
                or ErrorCode.Local_WaitCoord
                or ErrorCode.ReassignmentInProgress
                or ErrorCode.ThrottlingQuotaExceeded;

    private static bool IsSaslRefusal(string text) =>
        Contains(text, "SASL") && Contains(text, "authentication") && (Contains(text, "failed") || Contains(text, "error"));

    private static bool Contains(string text, string part) => text.Contains(part, StringComparison.OrdinalIgnoreCase);

    /// <summary>The library's texts run on with attempt counts and states in brackets, and end in odd ways.</summary>
    private static string Short(string text)
    {
        // A log line begins with its thread, and ends with how long what state lasted.
        var begin = text.StartsWith("[thrd:", StringComparison.Ordinal) ? text.IndexOf("]: ", StringComparison.Ordinal) + 3 : 0;
        var end = text.IndexOf(" (after ", StringComparison.Ordinal);
        return text[begin..(end > begin ? end : text.Length)].Trim().TrimEnd('.', ':');
    }
}
