using KafkaBackup.Engine.Wire;

namespace KafkaBackup.Engine.Cluster;

/// <summary>Faults of the wire in a user's words: which row of <see cref="ErrorIds"/>, and what to do in this very case.</summary>
internal static class WireFaults
{
    /// <summary>A connection could not be made or did not hold, or what answers is no broker that this client can talk to.</summary>
    public static KafkaBackupException Connection(WireException fault, string address)
    {
        var text = fault.Message;
        return fault.Kind switch
        {
            WireFailure.HostUnknown => ErrorIds.ClusterUnreachable.With(
                text,
                address,
                "Check the host name in bootstrap_servers and this machine's name resolution.",
                fault
            ),
            WireFailure.Refused => ErrorIds.ClusterUnreachable.With(
                text,
                address,
                "Check the port in bootstrap_servers, and that the broker runs.",
                fault
            ),
            WireFailure.TlsUntrusted or WireFailure.TlsHostName => ErrorIds.ClusterTls.With(
                text,
                address,
                "Give the CA that signed it (ca_cert), and use a host name that the certificate names.",
                fault
            ),
            WireFailure.TlsClientCertificate => ErrorIds.ClusterTls.With(
                text,
                address,
                "Give a client certificate and key that the cluster trusts (client_cert, client_key).",
                fault
            ),
            WireFailure.TlsExpected => ErrorIds.ClusterTls.With(
                text,
                address,
                "Set security_protocol to SSL or SASL_SSL, or use the address of a plaintext listener.",
                fault
            ),
            WireFailure.TlsNotSpoken => ErrorIds.ClusterTls.With(
                text,
                address,
                "Set security_protocol to PLAINTEXT or SASL_PLAINTEXT, or use the address of a TLS listener.",
                fault
            ),
            WireFailure.TlsFile => ErrorIds.ClusterTls.With(
                text,
                address,
                "Check that certificate and key are readable files that belong together, and the key's password.",
                fault
            ),
            WireFailure.TlsFailed or WireFailure.TlsExpired => ErrorIds.ClusterTls.With(text, address, inner: fault),
            WireFailure.MechanismNotEnabled => ErrorIds.ClusterAuthentication.With(
                text,
                address,
                "Use one of the mechanisms that the message names (sasl_mechanism).",
                fault
            ),
            WireFailure.LoginExpected => ErrorIds.ClusterAuthentication.With(
                text,
                address,
                "Set security_protocol to SASL_PLAINTEXT or SASL_SSL, and sasl_mechanism, user name and password.",
                fault
            ),
            WireFailure.LoginNotAsked => ErrorIds.ClusterAuthentication.With(
                text,
                address,
                "Set security_protocol to PLAINTEXT or SSL, or use the address of a listener with SASL.",
                fault
            ),
            WireFailure.LoginRefused or WireFailure.LoginSource => ErrorIds.ClusterAuthentication.With(text, address, inner: fault),
            WireFailure.ErrorCode when WriteFaults.IsUnauthorized(fault.Code) || fault.Code == WireErrorCode.GroupAuthorizationFailed =>
                Refused(fault.Code, "Asking the cluster", address, address, fault),
            WireFailure.ErrorCode => ErrorIds.ClusterRequestFailed.With(text, address, inner: fault),
            WireFailure.VersionUnsupported => ErrorIds.ClusterRequestFailed.With(
                text,
                address,
                "Upgrade the cluster, or leave out what needs this.",
                fault
            ),
            WireFailure.Malformed => ErrorIds.ClusterRequestFailed.With(text, address, inner: fault),
            WireFailure.NotKafka => ErrorIds.ClusterUnreachable.With(
                text,
                address,
                "Check the address and the port in bootstrap_servers.",
                fault
            ),
            _ => ErrorIds.ClusterUnreachable.With(text, address, inner: fault),
        };
    }

    /// <summary>Faults that do not go away by trying again: a login refused, a handshake failed.</summary>
    public static bool IsDefinitive(WireException fault) => !fault.IsTransient && fault.Kind is not (WireFailure.Closed or WireFailure.ErrorCode);

    /// <summary>A broker answered a request about something (a group, a transactional id) with an error.</summary>
    public static KafkaBackupException Refused(WireErrorCode code, string action, object? target, string address, Exception? inner = null)
    {
        var what = action.TrimEnd('.');
        return code switch
        {
            WireErrorCode.GroupAuthorizationFailed => ErrorIds.ClusterUnauthorized.With(
                $"{what} failed: this user has no right to the consumer group.",
                target,
                "Grant this user Describe on the group; Read to change its offsets, Delete to remove any.",
                inner
            ),
            WireErrorCode.TopicAuthorizationFailed => ErrorIds.ClusterUnauthorized.With(
                $"{what} failed: this user has no right to the topic.",
                target,
                "Grant this user Describe on the topic; Read to back it up, to resume a restore and to move consumer groups; Write to restore it.",
                inner
            ),
            WireErrorCode.ClusterAuthorizationFailed => ErrorIds.ClusterUnauthorized.With(
                $"{what} failed: this user has no right to the cluster for this.",
                target,
                "Grant this user on the cluster what this needs: IdempotentWrite to restore (brokers before Kafka 2.8 ask for it; later ones take Write on any topic), Create to create topics, Describe to list groups.",
                inner
            ),
            WireErrorCode.TransactionalIdAuthorizationFailed => ErrorIds.ClusterUnauthorized.With(
                $"{what} failed: this user has no right to the transactional id.",
                target,
                "Grant this user Write and Describe on the transactional ids that begin with kafkabackup-restore-, or restore with delivery: idempotent.",
                inner
            ),
            WireErrorCode.UnknownTopicOrPartition or WireErrorCode.UnknownTopicId => ErrorIds.TopicNotFound.With(
                $"{what} failed: the cluster at {address} has no such topic or partition.",
                target,
                inner: inner
            ),
            _ => ErrorIds.ClusterRequestFailed.With($"{what} failed: the cluster answered {code.KafkaName()}.", target, inner: inner),
        };
    }
}
