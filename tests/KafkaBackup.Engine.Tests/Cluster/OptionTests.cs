using KafkaBackup.LocalBroker;
using Xunit;
using static KafkaBackup.Engine.Tests.Cluster.ClusterTesting;

namespace KafkaBackup.Engine.Tests.Cluster;

public sealed class OptionTests
{
    [Fact]
    public void A7_an_unknown_option_is_refused_by_name()
    {
        var error = Refused(WithOption("no.such.property", "1"));
        Assert.Equal(nameof(ErrorIds.InvalidKafkaOption), error.ErrorId);
        Assert.Contains("no.such.property", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A7_a_bad_value_is_refused_by_name_and_not_shown()
    {
        var error = Refused(WithOption("socket.timeout.ms", "not-a-number"));
        Assert.Equal(nameof(ErrorIds.InvalidKafkaOption), error.ErrorId);
        Assert.Contains("socket.timeout.ms", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("not-a-number", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("enable.auto.commit")]
    [InlineData("auto.offset.reset")]
    [InlineData("enable.idempotence")]
    [InlineData("isolation.level")]
    [InlineData("transactional.id")]
    [InlineData("acks")]
    [InlineData("message.timeout.ms")]
    [InlineData("check.crcs")]
    [InlineData("group.id")]
    [InlineData("bootstrap.servers")]
    public void A7_an_option_that_would_break_a_promise_is_refused_with_the_reason(string name)
    {
        var error = Refused(WithOption(name, "false"));
        Assert.Equal(nameof(ErrorIds.InvalidKafkaOption), error.ErrorId);
        Assert.Contains($"'{name}': ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A7_an_option_passes_through()
    {
        await using var local = LocalCluster.Start();
        await using var cluster = Connect(Settings(local.BootstrapServers) with { KafkaOptions = Options("client.id", "nightly") });
        await Describe(cluster);
        Assert.Contains(local.Requests.All, request => request.ClientId == "nightly");
    }

    [Theory]
    [InlineData("ssl.crl.location", "/etc/ssl/crl.pem")]
    [InlineData("ssl.cipher.suites", "ECDHE-RSA-AES128-GCM-SHA256")]
    [InlineData("client.dns.lookup", "resolve_canonical_bootstrap_servers_only")]
    [InlineData("sasl.oauthbearer.grant.type", "urn:ietf:params:oauth:grant-type:jwt-bearer")]
    public void A7_an_option_that_could_not_be_kept_for_records_is_refused_with_the_reason(string name, string value)
    {
        var error = Refused(WithOption(name, value));
        Assert.Equal(nameof(ErrorIds.InvalidKafkaOption), error.ErrorId);
        Assert.Contains($"'{name}', which cannot be kept when records are read and written: ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("api.version.request", "true")]
    [InlineData("client.dns.lookup", "use_all_dns_ips")]
    public async Task A7_an_option_that_says_what_is_done_anyway_is_taken(string name, string value) =>
        await Connect(WithOption(name, value)).DisposeAsync();

    [Fact]
    public async Task A7_an_option_without_effect_on_records_is_said_once_reading_begins()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        var events = new RecordingEvents();
        await using var cluster = Connect(
            Settings(local.BootstrapServers) with
            {
                KafkaOptions = Options("queued.min.messages", "7"),
            },
            events
        );
        ReadAll(cluster, new("orders", 0));
        Assert.Contains(
            "'queued.min.messages' has no effect on the reading and writing of records: ",
            events.Text,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A7_options_reach_the_connections_for_records()
    {
        using var settings = new Engine.Cluster.WireSettings(
            new Engine.Cluster.ClientConfiguration(
                new ClusterSettings
                {
                    BootstrapServers = ["one:1, two:2"],
                    SecurityProtocol = SecurityProtocol.SaslPlaintext,
                    SaslMechanism = SaslMechanism.ScramSha512,
                    SaslUsername = "alice",
                    SaslPassword = new Secret("wonderland"),
                    KafkaOptions = new Dictionary<string, Secret>
                    {
                        ["client.id"] = new("nightly"),
                        ["client.rack"] = new("b"),
                        ["socket.timeout.ms"] = new("1001"),
                        ["socket.connection.setup.timeout.ms"] = new("1002"),
                        ["socket.send.buffer.bytes"] = new("1003"),
                        ["socket.receive.buffer.bytes"] = new("1004"),
                        ["socket.keepalive.enable"] = new("false"),
                        ["socket.nagle.disable"] = new("false"),
                        ["reconnect.backoff.ms"] = new("105"),
                        ["reconnect.backoff.max.ms"] = new("1006"),
                        ["retry.backoff.ms"] = new("107"),
                        ["metadata.max.age.ms"] = new("1008"),
                        ["broker.address.family"] = new("v4"),
                        ["fetch.wait.max.ms"] = new("109"),
                        ["fetch.min.bytes"] = new("2"),
                        ["fetch.max.bytes"] = new("1000010"),
                        ["max.partition.fetch.bytes"] = new("1011"),
                        ["fetch.error.backoff.ms"] = new("112"),
                        ["topic.metadata.propagation.max.ms"] = new("1013"),
                    },
                }
            )
        );
        var (wire, fetch) = (settings.Options, settings.Fetch);
        Assert.Equal(["one:1", "two:2"], wire.Bootstrap.Select(address => address.ToString()));
        Assert.Equal(("nightly", "b", "SCRAM-SHA-512"), (wire.ClientId, wire.Rack, wire.Sasl!.Mechanism));
        Assert.Equal((1003, 1004, false, false), (wire.SendBufferBytes, wire.ReceiveBufferBytes, wire.KeepAlive, wire.NoDelay));
        Assert.Equal(
            [1001, 1002, 105, 1006, 107, 1008, 109, 112, 1013],
            new[]
            {
                wire.RequestTimeout,
                wire.ConnectTimeout,
                wire.ReconnectBackoff,
                wire.ReconnectBackoffMax,
                wire.RetryBackoff,
                wire.MetadataMaxAge,
                fetch.MaxWait,
                fetch.ErrorBackoff,
                fetch.UnknownTopicPatience,
            }.Select(time => time.TotalMilliseconds)
        );
        Assert.Equal((2, 1000010, 1011), (fetch.MinBytes, fetch.MaxBytes!.Value, fetch.PartitionBytes!.Value));
        Assert.Equal(Engine.Wire.WireAddressFamily.V4, wire.AddressFamily);
        Assert.Null(wire.Tls);
    }

    [Fact]
    public void A7_sasl_without_a_mechanism_is_refused() =>
        Assert.Equal(
            nameof(ErrorIds.MissingSettings),
            Refused(Settings("127.0.0.1:1") with { SecurityProtocol = SecurityProtocol.SaslSsl }).ErrorId
        );

    [Fact]
    public void A7_a_login_that_the_protocol_would_not_use_is_refused()
    {
        var error = Refused(
            Settings("127.0.0.1:1") with
            {
                SaslMechanism = SaslMechanism.Plain,
                SaslUsername = "u",
                SaslPassword = new Secret("p"),
            }
        );
        Assert.Equal(nameof(ErrorIds.MissingSettings), error.ErrorId);
        Assert.Contains("security_protocol", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A7_the_same_thing_given_twice_is_refused()
    {
        var error = Refused(
            Settings("127.0.0.1:1") with
            {
                SecurityProtocol = SecurityProtocol.Plaintext,
                KafkaOptions = Options("security.protocol", "SSL"),
            }
        );
        Assert.Equal(nameof(ErrorIds.ConfigConflict), error.ErrorId);
    }

    [Fact]
    public void A1_a_ca_file_that_does_not_exist_is_refused_by_path()
    {
        var error = Refused(Settings("127.0.0.1:1") with { SecurityProtocol = SecurityProtocol.Ssl, CaCertificate = "/no/such/ca.pem" });
        Assert.Equal(nameof(ErrorIds.ClusterTls), error.ErrorId);
        Assert.Contains("/no/such/ca.pem", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A1_a_ca_file_that_is_no_certificate_is_refused()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "not a certificate");
            Assert.Equal(
                nameof(ErrorIds.ClusterTls),
                Refused(Settings("127.0.0.1:1") with { SecurityProtocol = SecurityProtocol.Ssl, CaCertificate = path }).ErrorId
            );
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A1_no_bootstrap_servers_are_refused() =>
        Assert.Equal(nameof(ErrorIds.MissingSettings), Refused(new ClusterSettings()).ErrorId);

    private static ClusterSettings WithOption(string name, string value) =>
        Settings("127.0.0.1:1") with
        {
            KafkaOptions = Options(name, value),
        };

    private static Dictionary<string, Secret> Options(string name, string value) => new() { [name] = new(value) };

    private static KafkaBackupException Refused(ClusterSettings settings) => Assert.Throws<KafkaBackupException>(() => Connect(settings));
}
