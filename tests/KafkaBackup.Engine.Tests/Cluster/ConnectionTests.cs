using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Cluster.Native;
using KafkaBackup.LocalBroker;
using Xunit;
using static KafkaBackup.Engine.Tests.Cluster.ClusterTesting;

namespace KafkaBackup.Engine.Tests.Cluster;

public sealed class ConnectionTests
{
    private static readonly Dictionary<string, string> Alice = new() { ["alice"] = "wonderland-42" };

    [Fact]
    public async Task D3_a_cluster_that_is_not_there_is_one_clear_error_within_the_time_allowed()
    {
        await using var cluster = Connect(Settings($"127.0.0.1:{UnusedPort()}"), seconds: 2);
        var started = Stopwatch.GetTimestamp();
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => Describe(cluster));
        Assert.Equal(nameof(ErrorIds.ClusterUnreachable), error.ErrorId);
        Assert.Contains("nothing listens there", error.Message, StringComparison.Ordinal);
        Assert.Contains(cluster.Address, error.Message, StringComparison.Ordinal);
        Assert.True(Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(1.5));
    }

    [Theory]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(30)]
    public async Task D3_many_topics_with_short_names_of_brokers_before_Kafka_2_8_are_described(int topics)
    {
        await using var local = LocalCluster.Start(LocalClusterOptions.Kafka24);
        for (var i = 0; i < topics; i++)
        {
            local.CreateTopic($"t{i:000}");
        }

        await using var cluster = Connect(local);
        var described = await Describe(cluster);
        Assert.Equal(topics, described.Topics.Count);
        Assert.All(described.Topics.Values, t => Assert.Null(t.TopicId));
    }

    [Fact]
    public void D3_a_cluster_without_an_answer_is_explained_by_the_librarys_last_complaint()
    {
        var error = KafkaErrors.NoAnswer(
            "[thrd:main]: 127.0.0.1:9092/0: Failed to parse Metadata response",
            TimeSpan.FromSeconds(10),
            "127.0.0.1:9092"
        );
        Assert.Contains(
            "did not answer within 10 seconds; the client library says: 127.0.0.1:9092/0: Failed to parse Metadata response.",
            error.Message,
            StringComparison.Ordinal
        );
        Assert.EndsWith("within 10 seconds.", KafkaErrors.NoAnswer(null, TimeSpan.FromSeconds(10), "a").Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D3_a_host_that_accepts_and_never_answers_is_an_error_within_the_time_allowed()
    {
        using var deaf = new TcpListener(IPAddress.Loopback, 0);
        deaf.Start();
        await using var cluster = Connect(Settings($"127.0.0.1:{((IPEndPoint)deaf.LocalEndpoint).Port}"), seconds: 2);
        var started = Stopwatch.GetTimestamp();
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => Describe(cluster));
        Assert.Equal(nameof(ErrorIds.ClusterUnreachable), error.ErrorId);
        Assert.True(Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(1.5));
    }

    [Fact]
    public async Task D3_a_host_name_that_does_not_exist_is_named()
    {
        await using var cluster = Connect(Settings("no-such-host.invalid:9092"), seconds: 10);
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => Describe(cluster));
        Assert.Equal(nameof(ErrorIds.ClusterUnreachable), error.ErrorId);
        Assert.Contains("no-such-host.invalid", error.Message, StringComparison.Ordinal);
        Assert.Contains("host name", error.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D3_a_cancelled_connect_lets_go_at_once()
    {
        await using var cluster = Connect(Settings($"127.0.0.1:{UnusedPort()}"), seconds: 300);
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cluster.DescribeAsync(cancel.Token));
    }

    [Fact]
    public async Task D3_one_live_broker_among_dead_ones_is_enough()
    {
        await using var local = LocalCluster.Start();
        await using var cluster = Connect(new ClusterSettings { BootstrapServers = [$"127.0.0.1:{UnusedPort()}", local.BootstrapServers] });
        Assert.Equal(local.ClusterId, (await Describe(cluster)).ClusterId);
    }

    [Theory]
    [InlineData(SaslMechanism.Plain, "PLAIN")]
    [InlineData(SaslMechanism.ScramSha256, "SCRAM-SHA-256")]
    [InlineData(SaslMechanism.ScramSha512, "SCRAM-SHA-512")]
    public async Task A7_each_sasl_mechanism_logs_in(SaslMechanism mechanism, string name)
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { SaslMechanisms = [name], Users = Alice });
        await using var cluster = Connect(WithLogin(local, mechanism, "alice", "wonderland-42"));
        Assert.Equal(local.ClusterId, (await Describe(cluster)).ClusterId);
        Assert.Contains(local.Requests.All, request => request.User == "alice");
    }

    [Theory]
    [InlineData(SaslMechanism.Plain, "PLAIN")]
    [InlineData(SaslMechanism.ScramSha512, "SCRAM-SHA-512")]
    public async Task D3_a_wrong_password_is_said_quickly_and_not_shown(SaslMechanism mechanism, string name)
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { SaslMechanisms = [name], Users = Alice });
        var events = new RecordingEvents();
        var settings = WithLogin(local, mechanism, "alice", "wrong-password") with
        {
            KafkaOptions = new Dictionary<string, Secret> { ["debug"] = new("security,protocol") },
        };
        await using var cluster = Connect(settings, events, seconds: 300);
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => Describe(cluster));
        Assert.Equal(nameof(ErrorIds.ClusterAuthentication), error.ErrorId);
        Assert.DoesNotContain("wrong-password", error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("wrong-password", events.Text, StringComparison.Ordinal);
        Assert.Contains("SASL", events.Text, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task D3_a_mechanism_that_the_cluster_lacks_is_said()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { SaslMechanisms = ["SCRAM-SHA-256"], Users = Alice });
        await using var cluster = Connect(WithLogin(local, SaslMechanism.Plain, "alice", "wonderland-42"));
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => Describe(cluster));
        Assert.Equal(nameof(ErrorIds.ClusterAuthentication), error.ErrorId);
        Assert.Contains("SCRAM-SHA-256", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D3_plaintext_to_a_listener_that_wants_a_login_is_explained()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { SaslMechanisms = ["PLAIN"], Users = Alice });
        await using var cluster = Connect(Settings(local.BootstrapServers), seconds: 10);
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => Describe(cluster));
        Assert.True(error.ErrorId == nameof(ErrorIds.ClusterAuthentication), error.ToString());
        Assert.Contains("security_protocol", error.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D3_a_login_at_a_listener_that_wants_none_is_explained()
    {
        await using var local = LocalCluster.Start();
        await using var cluster = Connect(WithLogin(local, SaslMechanism.ScramSha512, "alice", "wonderland-42"));
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => Describe(cluster));
        Assert.Equal(nameof(ErrorIds.ClusterAuthentication), error.ErrorId);
        Assert.Contains("does not ask for a login", error.Message, StringComparison.Ordinal);
        Assert.Contains("security_protocol", error.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A1_tls_with_a_trusted_certificate_connects()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { Tls = true });
        await using var cluster = Connect(OverTls(local));
        Assert.Equal(local.ClusterId, (await Describe(cluster)).ClusterId);
    }

    [Fact]
    public async Task A1_tls_with_a_client_certificate_connects()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { Tls = true, RequireClientCertificate = true });
        var settings = OverTls(local) with
        {
            ClientCertificate = local.Certificates!.ClientCertificatePath,
            ClientKey = local.Certificates.ClientKeyPath,
        };
        await using var cluster = Connect(settings);
        Assert.Equal(local.ClusterId, (await Describe(cluster)).ClusterId);
    }

    [Fact]
    public async Task D3_a_missing_client_certificate_is_a_tls_error()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { Tls = true, RequireClientCertificate = true });
        await using var cluster = Connect(OverTls(local), seconds: 5);
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => Describe(cluster));
        Assert.Equal(nameof(ErrorIds.ClusterTls), error.ErrorId);
    }

    [Fact]
    public async Task D3_an_untrusted_certificate_is_a_tls_error_that_says_so()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { Tls = true });
        await using var other = LocalCluster.Start(new LocalClusterOptions { Tls = true });
        await using var cluster = Connect(OverTls(local) with { CaCertificate = other.Certificates!.AuthorityPath }, seconds: 300);
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => Describe(cluster));
        Assert.Equal(nameof(ErrorIds.ClusterTls), error.ErrorId);
        Assert.Contains("not trusted", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D3_a_certificate_of_the_right_authority_for_another_host_is_refused()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { Tls = true, CertificateName = "kafka.example.com" });
        await using var cluster = Connect(OverTls(local));
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => Describe(cluster));
        Assert.Equal(nameof(ErrorIds.ClusterTls), error.ErrorId);
        Assert.DoesNotContain(local.Requests.All, request => request.Api == ApiKey.Metadata);
        Assert.Contains("127.0.0.1", error.Message + error.Advice, StringComparison.Ordinal);

        // With the check switched off by the user the same broker answers: it was the name, and nothing else.
        await using var unchecked_ = Connect(
            OverTls(local) with
            {
                KafkaOptions = new Dictionary<string, Secret> { ["ssl.endpoint.identification.algorithm"] = new("none") },
            }
        );
        Assert.Equal(local.ClusterId, (await Describe(unchecked_)).ClusterId);
    }

    [Fact]
    public async Task D3_plaintext_to_a_tls_listener_is_explained()
    {
        await using var local = LocalCluster.Start(new LocalClusterOptions { Tls = true });
        await using var cluster = Connect(Settings(local.BootstrapServers), seconds: 5);
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => Describe(cluster));
        Assert.Equal(nameof(ErrorIds.ClusterTls), error.ErrorId);
        Assert.Contains("SASL_SSL", error.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D3_tls_to_a_plaintext_listener_is_explained()
    {
        // What Kafka does with a handshake that it takes for a request of 370 MB: it hangs up.
        using var plain = new TcpListener(IPAddress.Loopback, 0);
        plain.Start();
        var hangingUp = HangUpOnWhatComes(plain);
        await using var cluster = Connect(
            Settings($"127.0.0.1:{((IPEndPoint)plain.LocalEndpoint).Port}") with
            {
                SecurityProtocol = SecurityProtocol.Ssl,
            },
            seconds: 5
        );
        var error = await Assert.ThrowsAsync<KafkaBackupException>(() => Describe(cluster));
        plain.Stop();
        await hangingUp;
        Assert.Equal(nameof(ErrorIds.ClusterTls), error.ErrorId);
        Assert.Contains("does not speak TLS", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task B10_a_reader_says_that_the_cluster_is_gone_and_goes_on_when_it_is_back()
    {
        await using var local = LocalCluster.Start();
        local.CreateTopic("orders");
        local.Append("orders", 0, LocalRecord.Of("k", "1"));
        await using var cluster = Connect(local);
        using var reader = cluster.OpenReader(new(IsolationLevel.ReadCommitted));
        var sink = new CollectingSink();
        reader.Assign(new("orders", 0), 0, 0);
        PollUntil(reader, sink, () => sink.Records.Count == 1);
        await local.StopBroker(1);
        PollUntil(reader, sink, () => sink.ClusterFaults.Count > 0);
        Assert.Equal(nameof(ErrorIds.ClusterUnreachable), sink.ClusterFaults[0].ErrorId);
        local.StartBroker(1);
        local.Append("orders", 0, LocalRecord.Of("k", "2"));
        PollUntil(reader, sink, () => sink.Records.Count == 2);
        Assert.Empty(sink.Faults);
    }

    [Fact]
    public void D1_a_library_that_is_missing_is_said_in_a_sentence()
    {
        var error = Assert.Throws<KafkaBackupException>(() =>
            NativeLibraryCheck.Run(() => throw new DllNotFoundException("Unable to load shared library 'librdkafka'"))
        );
        Assert.Equal(nameof(ErrorIds.NativeLibraryMissing), error.ErrorId);
    }

    [Fact]
    public void D1_what_a_library_needs_and_lacks_is_named()
    {
        var error = Assert.Throws<KafkaBackupException>(() =>
            NativeLibraryCheck.Run(() =>
                throw new DllNotFoundException(
                    "Unable to load shared library 'librdkafka' or one of its dependencies. In order to help diagnose, consider strace:\nlibsasl2.so.3: cannot open shared object file\n"
                )
            )
        );
        Assert.Equal(
            "The Kafka client library (librdkafka) could not be loaded on this machine: libsasl2.so.3: cannot open shared object file",
            error.Message
        );
    }

    [Fact]
    public void D1_a_library_that_is_too_old_is_said_with_both_versions()
    {
        var error = Assert.Throws<KafkaBackupException>(() => NativeLibraryCheck.Run(() => 0x01_09_02_ff));
        Assert.Equal(nameof(ErrorIds.NativeLibraryTooOld), error.ErrorId);
        Assert.Contains("1.9.2", error.Message, StringComparison.Ordinal);
        Assert.Contains("2.8.0", error.Message, StringComparison.Ordinal);
    }

    private static ClusterSettings WithLogin(LocalCluster local, SaslMechanism mechanism, string user, string password) =>
        Settings(local.BootstrapServers) with
        {
            SecurityProtocol = SecurityProtocol.SaslPlaintext,
            SaslMechanism = mechanism,
            SaslUsername = user,
            SaslPassword = new Secret(password),
        };

    private static ClusterSettings OverTls(LocalCluster local) =>
        Settings(local.BootstrapServers) with
        {
            SecurityProtocol = SecurityProtocol.Ssl,
            CaCertificate = local.Certificates!.AuthorityPath,
        };

    private static async Task HangUpOnWhatComes(TcpListener listener)
    {
        var buffer = new byte[100];
        while (true)
        {
            try
            {
                using var client = await listener.AcceptTcpClientAsync();
                await client.GetStream().ReadAsync(buffer);
            }
            catch (Exception ended) when (ended is ObjectDisposedException or SocketException or InvalidOperationException)
            {
                return;
            }
        }
    }

    private static int UnusedPort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
