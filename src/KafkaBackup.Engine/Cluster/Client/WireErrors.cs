using KafkaBackup.Engine.Wire;

namespace KafkaBackup.Engine.Cluster;

/// <summary>Turns faults between this process and a broker into the user's: which row of <see cref="ErrorIds"/>, and what to do.</summary>
internal static class WireErrors
{
    /// <summary>A connection could not be made, did not hold, or an answer is of no use.</summary>
    public static KafkaBackupException Describe(WireException fault, ClientConfiguration configuration)
    {
        var target = fault.Address ?? configuration.Address;
        var text = configuration.Scrubber.Scrub(fault.Message);
        var (definition, advice) = fault.Kind == WireFailure.ErrorCode ? OfCode(fault.Code) : OfKind(fault.Kind);
        return definition.With(text, target, advice, fault);
    }

    private static (ErrorDefinition Definition, string? Advice) OfKind(WireFailure kind) =>
        kind switch
        {
            WireFailure.HostUnknown => (
                ErrorIds.ClusterUnreachable,
                "Check the host name in bootstrap_servers, the brokers' advertised names, and this machine's name resolution."
            ),
            WireFailure.Refused => (ErrorIds.ClusterUnreachable, "Check the port in bootstrap_servers, and that the broker runs."),
            WireFailure.Unreachable => (ErrorIds.ClusterUnreachable, null),
            WireFailure.ConnectionLost or WireFailure.RequestTimedOut => (
                ErrorIds.ClusterUnreachable,
                "Check that the brokers are up and reachable from here, then run again."
            ),
            WireFailure.TlsFailed => (ErrorIds.ClusterTls, null),
            WireFailure.TlsUntrusted => (ErrorIds.ClusterTls, "Give the CA that signed it (ca_cert)."),
            WireFailure.TlsHostName => (ErrorIds.ClusterTls, "Use a host name that the certificate names."),
            WireFailure.TlsExpired => (ErrorIds.ClusterTls, "Renew the broker's certificate, and check this machine's clock."),
            WireFailure.TlsClientCertificate => (
                ErrorIds.ClusterTls,
                "Give a client certificate and key that the cluster trusts (client_cert, client_key)."
            ),
            WireFailure.TlsExpected => (
                ErrorIds.ClusterTls,
                "Set security_protocol to SSL or SASL_SSL, or use the address of a plaintext listener."
            ),
            WireFailure.TlsNotSpoken => (
                ErrorIds.ClusterTls,
                "Set security_protocol to PLAINTEXT or SASL_PLAINTEXT, or use the address of a TLS listener."
            ),
            WireFailure.TlsFile => (
                ErrorIds.ClusterTls,
                "Check that certificate and key are PEM files that belong together, and the key's password."
            ),
            WireFailure.LoginRefused => (ErrorIds.ClusterAuthentication, null),
            WireFailure.MechanismNotEnabled => (
                ErrorIds.ClusterAuthentication,
                "Use one of the mechanisms that the message names (sasl_mechanism)."
            ),
            WireFailure.LoginExpected => (
                ErrorIds.ClusterAuthentication,
                "Set security_protocol to SASL_PLAINTEXT or SASL_SSL, and sasl_mechanism, user name and password."
            ),
            WireFailure.LoginNotAsked => (
                ErrorIds.ClusterAuthentication,
                "Set security_protocol to PLAINTEXT or SSL, or use the address of a listener with SASL."
            ),
            WireFailure.LoginSource => (
                ErrorIds.ClusterAuthentication,
                "Check where the token or ticket comes from, and that it can be reached from here."
            ),
            WireFailure.NotKafka => (ErrorIds.ClusterUnreachable, "Check host and port in bootstrap_servers."),
            WireFailure.VersionUnsupported => (ErrorIds.ClusterRequestFailed, "Upgrade the cluster, or leave out what needs this."),
            _ => (ErrorIds.ClusterRequestFailed, null),
        };

    private static (ErrorDefinition Definition, string? Advice) OfCode(WireErrorCode code) =>
        code switch
        {
            WireErrorCode.TopicAuthorizationFailed => (
                ErrorIds.ClusterUnauthorized,
                "Grant this user Describe on the topic; Read to back it up, Write to restore it."
            ),
            WireErrorCode.ClusterAuthorizationFailed => (
                ErrorIds.ClusterUnauthorized,
                "Grant this user on the cluster what this needs: IdempotentWrite to restore to brokers before Kafka 2.8."
            ),
            WireErrorCode.TransactionalIdAuthorizationFailed => (
                ErrorIds.ClusterUnauthorized,
                "Grant this user Write and Describe on the transactional ids that begin with kafkabackup-restore-, or restore with delivery: idempotent."
            ),
            WireErrorCode.GroupAuthorizationFailed => (
                ErrorIds.ClusterUnauthorized,
                "Grant this user Read and Describe on the consumer group."
            ),
            WireErrorCode.SaslAuthenticationFailed or WireErrorCode.IllegalSaslState => (ErrorIds.ClusterAuthentication, null),
            WireErrorCode.UnknownTopicOrPartition or WireErrorCode.UnknownTopicId => (ErrorIds.TopicNotFound, null),
            WireErrorCode.RequestTimedOut or WireErrorCode.BrokerNotAvailable or WireErrorCode.NetworkException => (
                ErrorIds.ClusterUnreachable,
                "Check that the brokers are up and reachable from here, then run again."
            ),
            _ => (ErrorIds.ClusterRequestFailed, null),
        };
}
