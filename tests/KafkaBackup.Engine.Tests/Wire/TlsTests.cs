using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Security;
using KafkaBackup.LocalBroker;
using KafkaBackup.Testing;
using static KafkaBackup.Engine.Tests.Wire.WireTesting;

namespace KafkaBackup.Engine.Tests.Wire;

public sealed class TlsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kafkabackup-tls-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    public async Task A1_a_trusted_certificate_connects(string host)
    {
        await using var cluster = Tls();
        await using var connection = await Open(
            Options(cluster.BootstrapServers.Replace("127.0.0.1", host, StringComparison.Ordinal)) with
            {
                Tls = new TlsOptions { CaFile = cluster.Certificates!.AuthorityPath },
                AddressFamily = WireAddressFamily.V4,
            }
        );
        await connection.SendAsync(Brokers, CancellationToken.None);
    }

    [Fact]
    public async Task A1_the_authority_may_be_given_as_text_and_among_others()
    {
        await using var cluster = Tls();
        await using var other = Tls();
        var pem = File.ReadAllText(other.Certificates!.AuthorityPath) + "\n" + File.ReadAllText(cluster.Certificates!.AuthorityPath);
        await using var connection = await Open(Options(cluster) with { Tls = new TlsOptions { CaPem = pem } });
        await connection.SendAsync(Brokers, CancellationToken.None);
    }

    [Fact]
    public async Task A1_login_and_tls_go_together()
    {
        await using var cluster = LocalCluster.Start(
            new LocalClusterOptions
            {
                Tls = true,
                SaslMechanisms = ["SCRAM-SHA-512"],
                Users = new Dictionary<string, string> { ["alice"] = "pw" },
            }
        );
        await using var connection = await Open(
            Options(cluster) with
            {
                Tls = new TlsOptions { CaFile = cluster.Certificates!.AuthorityPath },
                Sasl = new ScramLogin(HashAlgorithmName.SHA512, "alice", new Secret("pw")),
            }
        );
        await connection.SendAsync(Brokers, CancellationToken.None);
        Assert.Equal("alice", cluster.Requests.All[^1].User);
    }

    [Fact]
    public async Task D3_an_untrusted_certificate_says_who_signed_it()
    {
        await using var cluster = Tls();
        await using var other = Tls();
        var error = await OpenFails(Options(cluster) with { Tls = new TlsOptions { CaFile = other.Certificates!.AuthorityPath } });
        Assert.Equal(WireFailure.TlsUntrusted, error.Kind);
        Assert.Contains(
            $"The certificate of the broker at {cluster.BootstrapServers} is not trusted:",
            error.Message,
            StringComparison.Ordinal
        );
        Assert.Contains("CN=local-authority", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_is_not_checked_when_the_user_says_so()
    {
        await using var cluster = Tls();
        await using var connection = await Open(Options(cluster) with { Tls = new TlsOptions { CheckCertificate = false } });
        await connection.SendAsync(Brokers, CancellationToken.None);
    }

    [Fact]
    public async Task D3_a_certificate_for_another_host_names_its_hosts_and_passes_without_that_check()
    {
        await using var cluster = Tls();
        var port = int.Parse(cluster.BootstrapServers.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture);
        await using var relay = ScriptedBroker.Raw(async stream =>
        {
            using var inner = new TcpClient();
            await inner.ConnectAsync("127.0.0.1", port);
            await Task.WhenAny(stream.CopyToAsync(inner.GetStream()), inner.GetStream().CopyToAsync(stream));
        });
        var tls = new TlsOptions { CaFile = cluster.Certificates!.AuthorityPath };
        var error = await OpenFails(Options($"127.0.0.2:{relay.Port}") with { Tls = tls });
        Assert.Equal(WireFailure.TlsHostName, error.Kind);
        Assert.EndsWith("is for another host: it is for 'localhost', '127.0.0.1'.", error.Message, StringComparison.Ordinal);
        await using var connection = await Open(Options($"127.0.0.2:{relay.Port}") with { Tls = tls with { CheckHostName = false } });
        await connection.SendAsync(Brokers, CancellationToken.None);
    }

    [Fact]
    public async Task D3_an_expired_certificate_says_since_when()
    {
        await using var cluster = LocalCluster.Start(new LocalClusterOptions { Tls = true, Clock = new ManualClock() });
        var error = await OpenFails(Options(cluster) with { Tls = new TlsOptions { CaFile = cluster.Certificates!.AuthorityPath } });
        Assert.Equal(WireFailure.TlsExpired, error.Kind);
        Assert.Contains("expired on 2024-02-14", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pem")]
    [InlineData("one file")]
    [InlineData("encrypted")]
    [InlineData("text")]
    [InlineData("pkcs12")]
    public async Task A1_a_client_certificate_is_shown(string form)
    {
        await using var cluster = LocalCluster.Start(new LocalClusterOptions { Tls = true, RequireClientCertificate = true });
        await using var connection = await Open(Options(cluster) with { Tls = Shown(cluster, form) });
        await connection.SendAsync(Brokers, CancellationToken.None);
        Assert.Equal("CN=local-client", cluster.Requests.All[^1].User);
    }

    [Fact]
    public async Task D3_a_missing_client_certificate_is_explained()
    {
        await using var cluster = LocalCluster.Start(new LocalClusterOptions { Tls = true, RequireClientCertificate = true });
        var error = await OpenFails(Options(cluster) with { Tls = new TlsOptions { CaFile = cluster.Certificates!.AuthorityPath } });
        Assert.Equal(WireFailure.TlsClientCertificate, error.Kind);
        Assert.Contains("it seems to demand a client certificate", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D3_a_client_certificate_of_a_stranger_is_explained()
    {
        await using var cluster = LocalCluster.Start(new LocalClusterOptions { Tls = true, RequireClientCertificate = true });
        await using var other = Tls();
        var tls = Shown(other, "pem") with { CaFile = cluster.Certificates!.AuthorityPath };
        var error = await OpenFails(Options(cluster) with { Tls = tls });
        Assert.Equal(WireFailure.TlsClientCertificate, error.Kind);
    }

    [Fact]
    public async Task D3_plain_text_to_a_tls_listener_is_explained()
    {
        await using var cluster = Tls();
        var error = await OpenFails(Options(cluster));
        Assert.Equal(WireFailure.TlsExpected, error.Kind);
    }

    [Fact]
    public async Task D3_tls_to_a_plain_text_listener_is_explained()
    {
        // What Kafka does with a handshake that it takes for a request of 370 MB: it hangs up.
        await using var plain = ScriptedBroker.Raw(async stream => await stream.ReadAsync(new byte[100]));
        var error = await OpenFails(Options(plain.Address) with { Tls = new TlsOptions() });
        Assert.Equal(WireFailure.TlsNotSpoken, error.Kind);
        Assert.Contains("does not speak TLS", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D3_files_that_cannot_be_used_are_named()
    {
        await using var cluster = Tls();
        var good = cluster.Certificates!;
        var empty = Path.Combine(_folder, "empty.pem");
        File.WriteAllText(empty, "nothing");
        var store = Shown(cluster, "pkcs12").KeyStoreFile!;
        var encrypted = Shown(cluster, "encrypted");
        (TlsOptions Options, string Words)[] cases =
        [
            (new TlsOptions { CaFile = "/no/such/ca.pem" }, "The CA certificate '/no/such/ca.pem' cannot be read"),
            (new TlsOptions { CaFile = empty }, $"There is no certificate in the CA certificate '{empty}'"),
            (
                new TlsOptions { CertificateFile = good.ClientCertificatePath, KeyFile = "/no/such/key" },
                "The client key '/no/such/key' cannot be read"
            ),
            (new TlsOptions { CertificateFile = good.ClientCertificatePath, KeyFile = empty }, "cannot be loaded"),
            (
                new TlsOptions { KeyStoreFile = store, KeyStorePassword = new Secret("wrong-pw") },
                $"The keystore '{store}' cannot be opened: its password is wrong"
            ),
            (encrypted with { KeyPassword = null }, "is encrypted, and no password for it is given"),
            (encrypted with { KeyPassword = new Secret("wrong-pw") }, "the key's password is wrong"),
        ];
        foreach (var (options, words) in cases)
        {
            var error = Assert.Throws<WireException>(() => new TlsMaterial(options));
            Assert.Equal(WireFailure.TlsFile, error.Kind);
            Assert.Contains(words, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("wrong-pw", error.ToString(), StringComparison.Ordinal);
        }
    }

    private static LocalCluster Tls() => LocalCluster.Start(new LocalClusterOptions { Tls = true });

    private TlsOptions Shown(LocalCluster cluster, string form)
    {
        var files = cluster.Certificates!;
        var certificate = File.ReadAllText(files.ClientCertificatePath);
        var key = File.ReadAllText(files.ClientKeyPath);
        var options = new TlsOptions { CaFile = files.AuthorityPath };
        var path = Path.Combine(_folder, Guid.NewGuid().ToString("N"));
        switch (form)
        {
            case "pem":
                return options with { CertificateFile = files.ClientCertificatePath, KeyFile = files.ClientKeyPath };
            case "text":
                return options with { CertificatePem = certificate, KeyPem = new Secret(key) };
            case "one file":
                File.WriteAllText(path, certificate + "\n" + key);
                return options with { CertificateFile = path };
            case "encrypted":
                using (var plain = ECDsa.Create())
                {
                    plain.ImportFromPem(key);
                    File.WriteAllText(
                        path,
                        plain.ExportEncryptedPkcs8PrivateKeyPem(
                            "key-pw",
                            new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)
                        )
                    );
                }

                return options with
                {
                    CertificateFile = files.ClientCertificatePath,
                    KeyFile = path,
                    KeyPassword = new Secret("key-pw"),
                };
            default:
                using (var both = X509Certificate2.CreateFromPem(certificate, key))
                {
                    File.WriteAllBytes(path, both.Export(X509ContentType.Pkcs12, "store-pw"));
                }

                return options with
                {
                    KeyStoreFile = path,
                    KeyStorePassword = new Secret("store-pw"),
                };
        }
    }
}
