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
