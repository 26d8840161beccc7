using Confluent.Kafka;
using Confluent.Kafka.Admin;
using KafkaBackup.LocalBroker;
using Xunit;
using static KafkaBackup.LocalBroker.Tests.Clients;

namespace KafkaBackup.LocalBroker.Tests;

public sealed class SecurityTests
{
    private static LocalClusterOptions WithSasl(string mechanism) =>
        new()
        {
            SaslMechanisms = [mechanism],
            Users = new Dictionary<string, string> { ["alice"] = "s3cret, =x", ["bob"] = "other" },
        };

    private static void Login(ClientConfig config, Confluent.Kafka.SaslMechanism mechanism, string user, string password)
    {
        config.SecurityProtocol = Confluent.Kafka.SecurityProtocol.SaslPlaintext;
        config.SaslMechanism = mechanism;
        config.SaslUsername = user;
        config.SaslPassword = password;
    }

    [Theory]
    [InlineData("PLAIN", Confluent.Kafka.SaslMechanism.Plain)]
    [InlineData("SCRAM-SHA-256", Confluent.Kafka.SaslMechanism.ScramSha256)]
    [InlineData("SCRAM-SHA-512", Confluent.Kafka.SaslMechanism.ScramSha512)]
    public async Task The_right_password_opens_the_door(string name, Confluent.Kafka.SaslMechanism mechanism)
    {
        await using var cluster = LocalCluster.Start(WithSasl(name));
        cluster.CreateTopic("t");
        using var producer = Producer(cluster, c => Login(c, mechanism, "alice", "s3cret, =x"));
        await producer.ProduceAsync("t", Message("k", "v"));
        Assert.Equal("alice", cluster.Requests.Of(ApiKey.Produce)[0].User);
    }

    [Theory]
    [InlineData("PLAIN", Confluent.Kafka.SaslMechanism.Plain, "alice", "wrong")]
    [InlineData("SCRAM-SHA-256", Confluent.Kafka.SaslMechanism.ScramSha256, "alice", "wrong")]
    [InlineData("SCRAM-SHA-512", Confluent.Kafka.SaslMechanism.ScramSha512, "nobody", "s3cret, =x")]
    public async Task A_wrong_password_does_not(string name, Confluent.Kafka.SaslMechanism mechanism, string user, string password)
    {
        await using var cluster = LocalCluster.Start(WithSasl(name));
        var errors = new System.Collections.Concurrent.ConcurrentQueue<Error>();
        var config = new AdminClientConfig { BootstrapServers = cluster.BootstrapServers };
        Login(config, mechanism, user, password);
        using var admin = new AdminClientBuilder(config).SetErrorHandler((_, e) => errors.Enqueue(e)).SetLogHandler((_, _) => { }).Build();
        Assert.Throws<KafkaException>(() => admin.GetMetadata(TimeSpan.FromSeconds(1)));
        await Eventually(() => errors.Any(e => e.Code == Confluent.Kafka.ErrorCode.Local_Authentication));
        Assert.Empty(cluster.Requests.Of(ApiKey.Metadata));
    }

    [Fact]
    public async Task A_client_that_does_not_log_in_gets_nothing()
    {
        await using var cluster = LocalCluster.Start(WithSasl("PLAIN"));
        using var admin = Admin(cluster);
        Assert.Throws<KafkaException>(() => admin.GetMetadata(TimeSpan.FromSeconds(1)));
        Assert.Empty(cluster.Requests.Of(ApiKey.Metadata));
    }

    [Fact]
    public async Task A_mechanism_that_is_not_offered_is_refused()
    {
        await using var cluster = LocalCluster.Start(WithSasl("SCRAM-SHA-256"));
        using var admin = Admin(cluster, c => Login(c, Confluent.Kafka.SaslMechanism.Plain, "alice", "s3cret, =x"));
        Assert.Throws<KafkaException>(() => admin.GetMetadata(TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public async Task Tls_needs_the_clusters_authority()
    {
        await using var cluster = LocalCluster.Start(new LocalClusterOptions { Tls = true });
        cluster.CreateTopic("t");
        using var trusting = Producer(
            cluster,
            c =>
            {
                c.SecurityProtocol = Confluent.Kafka.SecurityProtocol.Ssl;
                c.SslCaLocation = cluster.Certificates!.AuthorityPath;
            }
        );
        await trusting.ProduceAsync("t", Message("k", "v"));
        using var suspicious = Admin(cluster, c => c.SecurityProtocol = Confluent.Kafka.SecurityProtocol.Ssl);
        Assert.Throws<KafkaException>(() => suspicious.GetMetadata(TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public async Task A_required_client_certificate_names_the_user()
    {
        await using var cluster = LocalCluster.Start(new LocalClusterOptions { Tls = true, RequireClientCertificate = true });
        cluster.CreateTopic("t");
        using var known = Producer(
            cluster,
            c =>
            {
                c.SecurityProtocol = Confluent.Kafka.SecurityProtocol.Ssl;
                c.SslCaLocation = cluster.Certificates!.AuthorityPath;
                c.SslCertificateLocation = cluster.Certificates.ClientCertificatePath;
                c.SslKeyLocation = cluster.Certificates.ClientKeyPath;
            }
        );
        await known.ProduceAsync("t", Message("k", "v"));
        Assert.Equal("CN=local-client", cluster.Requests.Of(ApiKey.Produce)[0].User);
        using var unknown = Admin(
            cluster,
            c =>
            {
                c.SecurityProtocol = Confluent.Kafka.SecurityProtocol.Ssl;
                c.SslCaLocation = cluster.Certificates!.AuthorityPath;
            }
        );
        Assert.Throws<KafkaException>(() => unknown.GetMetadata(TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public async Task Sasl_runs_over_tls()
    {
        await using var cluster = LocalCluster.Start(WithSasl("SCRAM-SHA-512") with { Tls = true });
        cluster.CreateTopic("t");
        using var producer = Producer(
            cluster,
            c =>
            {
                Login(c, Confluent.Kafka.SaslMechanism.ScramSha512, "bob", "other");
                c.SecurityProtocol = Confluent.Kafka.SecurityProtocol.SaslSsl;
                c.SslCaLocation = cluster.Certificates!.AuthorityPath;
            }
        );
        await producer.ProduceAsync("t", Message("k", "v"));
        Assert.Equal(1, cluster.LogEnd("t"));
    }

    [Fact]
    public async Task A_denied_topic_is_not_written()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("open");
        cluster.CreateTopic("closed");
        cluster.Deny(ApiKey.Produce, "closed");
        using var producer = Producer(cluster);
        await producer.ProduceAsync("open", Message("k", "v"));
        var error = await Assert.ThrowsAsync<ProduceException<byte[]?, byte[]?>>(() => producer.ProduceAsync("closed", Message("k", "v")));
        Assert.Equal(Confluent.Kafka.ErrorCode.TopicAuthorizationFailed, error.Error.Code);
        cluster.AllowAll();
        using var fresh = Producer(cluster);
        await fresh.ProduceAsync("closed", Message("k", "v"));
    }

    [Fact]
    public async Task A_denied_topic_is_not_read()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.Append("t", 0, Numbered(1));
        cluster.Deny(ApiKey.Fetch, "t");
        using var consumer = Consumer(cluster);
        consumer.Assign(new TopicPartitionOffset("t", 0, 0));
        var error = Assert.Throws<ConsumeException>(() => consumer.Consume(Patience));
        Assert.Equal(Confluent.Kafka.ErrorCode.TopicAuthorizationFailed, error.Error.Code);
    }

    [Fact]
    public async Task A_topic_denied_altogether_is_missing_from_the_list_of_topics()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("seen");
        cluster.CreateTopic("hidden");
        cluster.Deny(null, "hidden");
        using var admin = Admin(cluster);
        Assert.Equal(["seen"], admin.GetMetadata(Patience).Topics.Select(t => t.Topic));
        Assert.Equal(Confluent.Kafka.ErrorCode.TopicAuthorizationFailed, admin.GetMetadata("hidden", Patience).Topics.Single().Error.Code);
    }

    [Fact]
    public async Task A_denied_group_is_not_committed()
    {
        await using var cluster = LocalCluster.Start();
        cluster.CreateTopic("t");
        cluster.Deny(ApiKey.OffsetCommit, "g");
        using var consumer = Consumer(cluster, c => c.GroupId = "g");
        var error = Assert.Throws<KafkaException>(() => consumer.Commit([new TopicPartitionOffset("t", 0, 3)]));
        Assert.Equal(Confluent.Kafka.ErrorCode.GroupAuthorizationFailed, error.Error.Code);
    }

    [Fact]
    public async Task Rights_can_be_taken_from_one_user_only()
    {
        await using var cluster = LocalCluster.Start(WithSasl("PLAIN"));
        cluster.CreateTopic("t");
        cluster.Deny(ApiKey.Produce, "t", "bob");
        using var alice = Producer(cluster, c => Login(c, Confluent.Kafka.SaslMechanism.Plain, "alice", "s3cret, =x"));
        using var bob = Producer(cluster, c => Login(c, Confluent.Kafka.SaslMechanism.Plain, "bob", "other"));
        await alice.ProduceAsync("t", Message("k", "v"));
        await Assert.ThrowsAsync<ProduceException<byte[]?, byte[]?>>(() => bob.ProduceAsync("t", Message("k", "v")));
    }

    [Fact]
    public async Task A_denied_transactional_id_is_not_initialised()
    {
        await using var cluster = LocalCluster.Start();
        cluster.Deny(ApiKey.InitProducerId, "tx");
        using var producer = Producer(cluster, c => c.TransactionalId = "tx");
        var error = Assert.Throws<KafkaException>(() => producer.InitTransactions(Patience));
        Assert.Equal(Confluent.Kafka.ErrorCode.TransactionalIdAuthorizationFailed, error.Error.Code);
    }
}
