using System.Collections.Frozen;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// What the user's options, which are librdkafka's, mean where records are read and written: there this process speaks Kafka's protocol
/// itself. An option is followed, or refused because the user relies on something that would not happen, or without effect there, which
/// the verbose stream says. None is passed over in silence.
/// </summary>
internal static class DataPathOptions
{
    private const string Ours = "this process decides it itself when it reads and writes records";
    private const string LibraryOnly = "only the client library has it, which serves everything but records";
    private const string GroupOnly = "records are read without a consumer group";
    private const string QueueOnly = "it is about queues of the client library, which hold no records";
    private const string OwnPartition = "a restore names the partition of each record";
    private const string Assertion = "it only matters for the grant type jwt-bearer";
    private const string Ticket = "the client library keeps the ticket cache filled, and the ticket is taken from there";
    private const string Callback = "it is for programs that embed the client library";
    private const string NoTlsChoice = "the system's TLS settings decide it";
    private const string NoEngine = "keys are read from files or given as text";
    private const string NoOtherToken = "tokens are fetched by sasl.oauthbearer.method oidc with client credentials only";

    private static readonly FrozenDictionary<string, Row> Rows = new Dictionary<string, Row>
    {
        // Followed.
        ["client.id"] = Row.Followed,
        ["client.rack"] = Row.Followed,
        ["socket.timeout.ms"] = Row.Followed,
        ["socket.send.buffer.bytes"] = Row.Followed,
        ["socket.receive.buffer.bytes"] = Row.Followed,
        ["socket.keepalive.enable"] = Row.Followed,
        ["socket.nagle.disable"] = Row.Followed,
        ["socket.connection.setup.timeout.ms"] = Row.Followed,
        ["broker.address.family"] = Row.Followed,
        ["reconnect.backoff.ms"] = Row.Followed,
        ["reconnect.backoff.max.ms"] = Row.Followed,
        ["retry.backoff.ms"] = Row.Followed,
        ["metadata.max.age.ms"] = Row.Followed,
        ["topic.metadata.propagation.max.ms"] = Row.Followed,
        ["security.protocol"] = Row.Followed,
        ["ssl.key.location"] = Row.Followed,
        ["ssl.key.password"] = Row.Followed,
        ["ssl.key.pem"] = Row.Followed,
        ["ssl.certificate.location"] = Row.Followed,
        ["ssl.certificate.pem"] = Row.Followed,
        ["ssl.ca.location"] = Row.Followed,
        ["ssl.ca.pem"] = Row.Followed,
        ["ssl.keystore.location"] = Row.Followed,
        ["ssl.keystore.password"] = Row.Followed,
        ["enable.ssl.certificate.verification"] = Row.Followed,
        ["ssl.endpoint.identification.algorithm"] = Row.Followed,
        ["https.ca.location"] = Row.Followed,
        ["https.ca.pem"] = Row.Followed,
        ["sasl.mechanisms"] = Row.Followed,
        ["sasl.mechanism"] = Row.Followed,
        ["sasl.username"] = Row.Followed,
        ["sasl.password"] = Row.Followed,
        ["sasl.kerberos.service.name"] = Row.Followed,
        ["sasl.oauthbearer.method"] = Row.Followed,
        ["sasl.oauthbearer.client.id"] = Row.Followed,
        ["sasl.oauthbearer.client.credentials.client.id"] = Row.Followed,
        ["sasl.oauthbearer.client.secret"] = Row.Followed,
        ["sasl.oauthbearer.client.credentials.client.secret"] = Row.Followed,
        ["sasl.oauthbearer.scope"] = Row.Followed,
        ["sasl.oauthbearer.extensions"] = Row.Followed,
        ["sasl.oauthbearer.token.endpoint.url"] = Row.Followed,
        ["fetch.wait.max.ms"] = Row.Followed,
        ["fetch.min.bytes"] = Row.Followed,
        ["fetch.max.bytes"] = Row.Followed,
        ["fetch.message.max.bytes"] = Row.Followed,
        ["max.partition.fetch.bytes"] = Row.Followed,
        ["fetch.error.backoff.ms"] = Row.Followed,
        ["queue.buffering.max.ms"] = Row.Followed,
        ["linger.ms"] = Row.Followed,
        ["compression.codec"] = Row.Followed,
        ["compression.type"] = Row.Followed,
        ["compression.level"] = Row.Followed,
        ["request.timeout.ms"] = Row.Followed,

        // Refused unless they say what is done anyway.
        ["ssl.cipher.suites"] = Row.Refused(NoTlsChoice, ""),
        ["ssl.curves.list"] = Row.Refused(NoTlsChoice, ""),
        ["ssl.sigalgs.list"] = Row.Refused(NoTlsChoice, ""),
        ["ssl.ca.certificate.stores"] = Row.Refused("of the system's certificate stores, the one for root authorities is used", "Root"),
        ["ssl.crl.location"] = Row.Refused("lists of revoked certificates are not looked at", ""),
        ["ssl.providers"] = Row.Refused(NoEngine, ""),
        ["ssl.engine.location"] = Row.Refused(NoEngine, ""),
        ["ssl.engine.id"] = Row.Refused(NoEngine, "dynamic"),
        ["api.version.request"] = Row.Refused("brokers are always asked which versions they know", "true"),
        ["client.dns.lookup"] = Row.Refused("every address that a name has is used, under the name that was given", "use_all_dns_ips"),
        ["test.mock.num.brokers"] = Row.Refused("records come from real brokers only", "0"),
        ["test.mock.broker.rtt"] = Row.Refused("records come from real brokers only", "0"),
        ["plugin.library.paths"] = Row.Refused("plug-ins of the client library would not see the records", ""),
        ["enable.sasl.oauthbearer.unsecure.jwt"] = Row.Refused(NoOtherToken, "false"),
        ["sasl.oauthbearer.config"] = Row.Refused(NoOtherToken, ""),
        ["sasl.oauthbearer.grant.type"] = Row.Refused(NoOtherToken, "client_credentials"),
        ["sasl.oauthbearer.metadata.authentication.type"] = Row.Refused(NoOtherToken, "none"),

        // Without effect on records.
        ["builtin.features"] = Row.Idle(LibraryOnly),
        ["message.copy.max.bytes"] = Row.Idle(QueueOnly),
        ["max.in.flight.requests.per.connection"] = Row.Idle(Ours),
        ["max.in.flight"] = Row.Idle(Ours),
        ["metadata.recovery.strategy"] = Row.Idle("the bootstrap servers are always asked when no other broker answers"),
        ["metadata.recovery.rebootstrap.trigger.ms"] = Row.Idle("the bootstrap servers are always asked when no other broker answers"),
        ["topic.metadata.refresh.interval.ms"] = Row.Idle(
            "leaders are asked for when they are needed; metadata.max.age.ms limits their age"
        ),
        ["topic.metadata.refresh.fast.interval.ms"] = Row.Idle("retry.backoff.ms is the pause between two requests for metadata"),
        ["topic.metadata.refresh.fast.cnt"] = Row.Idle(LibraryOnly),
        ["topic.metadata.refresh.sparse"] = Row.Idle("only topics that are read or written are asked for"),
        ["topic.blacklist"] = Row.Idle(LibraryOnly),
        ["debug"] = Row.Idle(LibraryOnly),
        ["client.software.name"] = Row.Idle(LibraryOnly),
        ["metadata.request.timeout.ms"] = Row.Idle("socket.timeout.ms covers every request"),
        ["enable.sparse.connections"] = Row.Idle("connections are made when they are needed"),
        ["enable_sasl_queue"] = Row.Idle(Callback),
        ["socket.blocking.max.ms"] = Row.Idle(LibraryOnly),
        ["socket.max.fails"] = Row.Idle("the first request without an answer ends its connection"),
        ["broker.address.ttl"] = Row.Idle("a name is resolved for each connection"),
        ["connections.max.idle.ms"] = Row.Idle("connections stay open until the end"),
        ["reconnect.backoff.jitter.ms"] = Row.Idle("a fifth of the pause is left to chance"),
        ["statistics.interval.ms"] = Row.Idle(LibraryOnly),
        ["enabled_events"] = Row.Idle(Callback),
        ["error_cb"] = Row.Idle(Callback),
        ["throttle_cb"] = Row.Idle(Callback),
        ["stats_cb"] = Row.Idle(Callback),
        ["log_cb"] = Row.Idle(Callback),
        ["log_level"] = Row.Idle(LibraryOnly),
        ["log.thread.name"] = Row.Idle(LibraryOnly),
        ["enable.random.seed"] = Row.Idle(LibraryOnly),
        ["log.connection.close"] = Row.Idle(LibraryOnly),
        ["background_event_cb"] = Row.Idle(Callback),
        ["socket_cb"] = Row.Idle(Callback),
        ["connect_cb"] = Row.Idle(Callback),
        ["closesocket_cb"] = Row.Idle(Callback),
        ["open_cb"] = Row.Idle(Callback),
        ["resolve_cb"] = Row.Idle(Callback),
        ["opaque"] = Row.Idle(Callback),
        ["default_topic_conf"] = Row.Idle(Callback),
        ["internal.termination.signal"] = Row.Idle(Callback),
        ["api.version.request.timeout.ms"] = Row.Idle("socket.connection.setup.timeout.ms covers the whole set-up of a connection"),
        ["api.version.fallback.ms"] = Row.Idle("brokers are always asked which versions they know"),
        ["broker.version.fallback"] = Row.Idle("brokers are always asked which versions they know"),
        ["ssl_key"] = Row.Idle(Callback),
        ["ssl_certificate"] = Row.Idle(Callback),
        ["ssl_ca"] = Row.Idle(Callback),
        ["ssl_engine_callback_data"] = Row.Idle(Callback),
        ["ssl.certificate.verify_cb"] = Row.Idle(Callback),
        ["sasl.kerberos.principal"] = Row.Idle(Ticket),
        ["sasl.kerberos.keytab"] = Row.Idle(Ticket),
        ["sasl.kerberos.kinit.cmd"] = Row.Idle(Ticket),
        ["sasl.kerberos.min.time.before.relogin"] = Row.Idle(Ticket),
        ["oauthbearer_token_refresh_cb"] = Row.Idle(Callback),
        ["sasl.oauthbearer.sub.claim.name"] = Row.Idle("the broker takes the user's name from the token"),
        ["sasl.oauthbearer.assertion.algorithm"] = Row.Idle(Assertion),
        ["sasl.oauthbearer.assertion.private.key.file"] = Row.Idle(Assertion),
        ["sasl.oauthbearer.assertion.private.key.passphrase"] = Row.Idle(Assertion),
        ["sasl.oauthbearer.assertion.private.key.pem"] = Row.Idle(Assertion),
        ["sasl.oauthbearer.assertion.file"] = Row.Idle(Assertion),
        ["sasl.oauthbearer.assertion.claim.aud"] = Row.Idle(Assertion),
        ["sasl.oauthbearer.assertion.claim.exp.seconds"] = Row.Idle(Assertion),
        ["sasl.oauthbearer.assertion.claim.iss"] = Row.Idle(Assertion),
        ["sasl.oauthbearer.assertion.claim.jti.include"] = Row.Idle(Assertion),
        ["sasl.oauthbearer.assertion.claim.nbf.seconds"] = Row.Idle(Assertion),
        ["sasl.oauthbearer.assertion.claim.sub"] = Row.Idle(Assertion),
        ["sasl.oauthbearer.assertion.jwt.template.file"] = Row.Idle(Assertion),
        ["interceptors"] = Row.Idle(Callback),
        ["partition.assignment.strategy"] = Row.Idle(GroupOnly),
        ["session.timeout.ms"] = Row.Idle(GroupOnly),
        ["heartbeat.interval.ms"] = Row.Idle(GroupOnly),
        ["group.protocol.type"] = Row.Idle(GroupOnly),
        ["group.protocol"] = Row.Idle(GroupOnly),
        ["group.remote.assignor"] = Row.Idle(GroupOnly),
        ["coordinator.query.interval.ms"] = Row.Idle(GroupOnly),
        ["max.poll.interval.ms"] = Row.Idle(GroupOnly),
        ["max.poll.records"] = Row.Idle(GroupOnly),
        ["share.acknowledgement.mode"] = Row.Idle(GroupOnly),
        ["queued.min.messages"] = Row.Idle(QueueOnly),
        ["fetch.queue.backoff.ms"] = Row.Idle(QueueOnly),
        ["offset.store.method"] = Row.Idle(GroupOnly),
        ["offset.store.path"] = Row.Idle(GroupOnly),
        ["offset.store.sync.interval.ms"] = Row.Idle(GroupOnly),
        ["consume.callback.max.messages"] = Row.Idle(QueueOnly),
        ["consume_cb"] = Row.Idle(Callback),
        ["rebalance_cb"] = Row.Idle(Callback),
        ["offset_commit_cb"] = Row.Idle(Callback),
        ["enable.metrics.push"] = Row.Idle(LibraryOnly),
        ["retry.backoff.max.ms"] = Row.Idle("reconnect.backoff.max.ms is the longest pause between two attempts"),

        ["queue.buffering.backpressure.threshold"] = Row.Idle(QueueOnly),
        ["dr_cb"] = Row.Idle(Callback),
        ["sticky.partitioning.linger.ms"] = Row.Idle(OwnPartition),
        ["queuing.strategy"] = Row.Idle(QueueOnly),
        ["produce.offset.report"] = Row.Idle("offsets are always asked for"),
        ["partitioner_cb"] = Row.Idle(Callback),
        ["msg_order_cmp"] = Row.Idle(Callback),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Whether the table has a decision about this property, or <see cref="OptionRules"/> refuses it anyway.</summary>
    public static bool Knows(string name) => Rows.ContainsKey(name) || OptionRules.Refuses(name);

    /// <exception cref="KafkaBackupException">InvalidKafkaOption: the option would silently not be kept.</exception>
    public static void Check(string name, string value)
    {
        if (!Rows.TryGetValue(name, out var row))
        {
            throw Refused(name, "the part that reads and writes records does not know it");
        }

        if (row.Effect == OptionEffect.Refused && !string.Equals(value, row.Harmless, StringComparison.OrdinalIgnoreCase))
        {
            throw Refused(name, row.Reason);
        }
    }

    /// <summary>Why an option has no effect on records; null when it has one.</summary>
    public static string? WhyIdle(string name) =>
        Rows.TryGetValue(name, out var row) && row.Effect == OptionEffect.Idle ? row.Reason : null;

    private static KafkaBackupException Refused(string name, string reason) =>
        ErrorIds.InvalidKafkaOption.With(
            $"kafka_options sets '{name}', which cannot be kept when records are read and written: {reason}.",
            name,
            "Remove the option."
        );

    private enum OptionEffect
    {
        Followed,
        Refused,
        Idle,
    }

    private readonly record struct Row(OptionEffect Effect, string Reason, string Harmless)
    {
        public static readonly Row Followed = new(OptionEffect.Followed, "", "");

        public static Row Refused(string reason, string harmless) => new(OptionEffect.Refused, reason, harmless);

        public static Row Idle(string reason) => new(OptionEffect.Idle, reason, "");
    }
}
