using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Security;
using KafkaBackup.LocalBroker;
using KafkaBackup.Testing;
using static KafkaBackup.Engine.Tests.Wire.WireTesting;
using LocalApi = KafkaBackup.LocalBroker.ApiKey;
using WireApiKey = KafkaBackup.Engine.Wire.ApiKey;

namespace KafkaBackup.Engine.Tests.Wire;

public sealed class SecurityTests
{
    private static readonly Dictionary<string, string> Alice = new() { ["alice"] = "wonder=land,42" };

    [Theory]
    [InlineData("PLAIN")]
    [InlineData("SCRAM-SHA-256")]
    [InlineData("SCRAM-SHA-512")]
    [InlineData("OAUTHBEARER")]
    public async Task A7_each_mechanism_logs_in(string mechanism)
    {
        await using var cluster = With(mechanism);
        await using var connection = await Open(Options(cluster) with { Sasl = Login(mechanism, "wonder=land,42", "good-token") });
        await connection.SendAsync(Brokers, CancellationToken.None);
        Assert.Equal("alice", cluster.Requests.Of(LocalApi.Metadata).Single().User);
    }

    [Theory]
    [InlineData("PLAIN", "the user name or the password")]
    [InlineData("SCRAM-SHA-256", "the user name or the password")]
    [InlineData("SCRAM-SHA-512", "the user name or the password")]
    [InlineData("OAUTHBEARER", "invalid_token")]
    public async Task D3_a_wrong_password_or_token_is_refused_and_not_shown(string mechanism, string words)
    {
        await using var cluster = With(mechanism);
        var error = await OpenFails(Options(cluster) with { Sasl = Login(mechanism, "wrong-secret", "wrong-secret") });
        Assert.Equal(WireFailure.LoginRefused, error.Kind);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.Contains(mechanism, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong-secret", error.ToString(), StringComparison.Ordinal);
        Assert.False(error.IsTransient);
    }

    [Fact]
    public async Task D3_a_mechanism_that_is_not_enabled_names_those_that_are()
    {
        await using var cluster = With("SCRAM-SHA-256", "SCRAM-SHA-512");
        var error = await OpenFails(Options(cluster) with { Sasl = Login("PLAIN", "x", "x") });
        Assert.Equal(WireFailure.MechanismNotEnabled, error.Kind);
        Assert.EndsWith(
            "does not offer the SASL mechanism PLAIN; it offers SCRAM-SHA-256, SCRAM-SHA-512.",
            error.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task D3_no_login_where_one_is_wanted_is_explained()
    {
        await using var cluster = With("PLAIN");
        var error = await OpenFails(Options(cluster));
        Assert.Equal(WireFailure.LoginExpected, error.Kind);
        Assert.Contains("its listener seems to demand a login", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task D3_a_login_where_none_is_wanted_is_explained()
    {
        await using var cluster = LocalCluster.Start();
        var error = await OpenFails(Options(cluster) with { Sasl = Login("PLAIN", "x", "x") });
        Assert.Equal(WireFailure.LoginNotAsked, error.Kind);
        Assert.Contains("does not ask for a login on this listener", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PLAIN")]
    [InlineData("SCRAM-SHA-512")]
    [InlineData("OAUTHBEARER")]
    public async Task A_session_near_its_end_logs_in_again_on_the_same_connection(string mechanism)
    {
        var clock = new ManualClock();
        await using var cluster = LocalCluster.Start(
            new LocalClusterOptions
            {
                SaslMechanisms = [mechanism],
                Users = Alice,
                Tokens = new Dictionary<string, string> { ["good-token"] = "alice" },
                SessionLifetime = TimeSpan.FromSeconds(100),
                Clock = clock,
            }
        );
        await using var connection = await Open(
            Options(cluster) with
            {
                Clock = clock,
                Sasl = Login(mechanism, "wonder=land,42", "good-token", clock),
                RequestTimeout = TimeSpan.FromHours(1),
            }
        );
        for (var round = 1; round <= 5; round++)
        {
            clock.Advance(TimeSpan.FromSeconds(70));
            await connection.SendAsync(Brokers, CancellationToken.None);
            clock.Advance(TimeSpan.FromSeconds(25));
            await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => connection.SendAsync(Brokers, CancellationToken.None)));
            Assert.Equal(1 + round, cluster.Requests.Of(LocalApi.SaslHandshake).Count);
        }

        Assert.Single(cluster.Requests.All.Select(r => r.Connection).Distinct());
    }

    [Fact]
    public async Task A_large_answer_that_is_under_way_during_a_login_is_read()
    {
        var clock = new ManualClock();
        byte[] held = [];
        var logins = 0;
        await using var broker = ScriptedBroker.Answering(request =>
            request.Api switch
            {
                WireApiKey.SaslHandshake when logins++ == 0 => ScriptedBroker.Handshake(request),
                WireApiKey.SaslHandshake => [.. held, .. ScriptedBroker.Handshake(request)],
                WireApiKey.SaslAuthenticate => ScriptedBroker.LoggedIn(request, lifetimeMs: 100_000),
                _ when logins == 1 => Hold(request),
                _ => ScriptedBroker.NoBrokers(request),
            }
        );
        await using var connection = await Open(
            Options(broker.Address) with
            {
                Clock = clock,
                Sasl = Login("PLAIN", "wonder=land,42", ""),
                RequestTimeout = TimeSpan.FromHours(1),
            }
        );
        var large = connection.SendAsync(Brokers, CancellationToken.None);
        clock.Advance(TimeSpan.FromSeconds(95));
        await connection.SendAsync(Brokers, CancellationToken.None);
        Assert.Equal(2, logins);
        Assert.Equal(3 << 20, (await large).ClusterId!.Length);

        byte[] Hold(ScriptedRequest request)
        {
            held = ScriptedBroker.NoBrokers(request, clusterId: new string('c', 3 << 20));
            return [];
        }
    }

    [Fact]
    public async Task A_session_that_ended_while_nothing_was_asked_logs_in_again_first()
    {
        var clock = new ManualClock();
        await using var cluster = LocalCluster.Start(
            new LocalClusterOptions
            {
                SaslMechanisms = ["PLAIN"],
                Users = Alice,
                SessionLifetime = TimeSpan.FromSeconds(100),
                Clock = clock,
            }
        );
        await using var connection = await Open(Options(cluster) with { Clock = clock, Sasl = Login("PLAIN", "wonder=land,42", "") });
        clock.Advance(TimeSpan.FromHours(1));
        await connection.SendAsync(Brokers, CancellationToken.None);
        Assert.Equal(2, cluster.Requests.Of(LocalApi.SaslHandshake).Count);
    }

    [Fact]
    public void Scram_gives_the_values_of_the_standard()
    {
        // RFC 7677, section 3.
        var exchange = new ScramExchange(HashAlgorithmName.SHA256, "user", new Secret("pencil"), "rOprNGfwEbeRWgbNEkqO");
        Assert.Equal("n,,n=user,r=rOprNGfwEbeRWgbNEkqO", Text(exchange.First()));
        var final = exchange.Next("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"u8);
        Assert.Equal(
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            Text(final!.Value)
        );
        Assert.Null(exchange.Next("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="u8));
    }

    [Theory]
    [InlineData("r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "does not continue this client's")]
    [InlineData("r=abc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "does not continue this client's")]
    [InlineData("r=abcdef,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095", "4,096 to 1,000,000 are accepted")]
    [InlineData("r=abcdef,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000000", "4,096 to 1,000,000 are accepted")]
    [InlineData("r=abcdef,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=-1", "4,096 to 1,000,000 are accepted")]
    [InlineData("r=abcdef,s=!!!,i=4096", "salt is not base64")]
    [InlineData("e=unknown-user", "the broker says 'unknown-user'")]
    [InlineData("", "lacks its nonce, salt or iteration count")]
    public void Scram_refuses_what_a_false_broker_might_ask(string serverFirst, string words)
    {
        var exchange = new ScramExchange(HashAlgorithmName.SHA256, "user", new Secret("pencil"), "abc");
        exchange.First();
        var error = Assert.Throws<SaslException>(() => exchange.Next(Encoding.UTF8.GetBytes(serverFirst)));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("v=AAAAZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")]
    [InlineData("")]
    public void Scram_refuses_a_broker_that_does_not_know_the_password(string serverFinal)
    {
        var exchange = new ScramExchange(HashAlgorithmName.SHA256, "user", new Secret("pencil"), "abc");
        exchange.First();
        exchange.Next("r=abcdef,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"u8);
        var error = Assert.Throws<SaslException>(() => exchange.Next(Encoding.UTF8.GetBytes(serverFinal)));
        Assert.Contains("could not prove that it knows this user's password", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_is_used_by_many_logins_and_renewed_before_it_expires()
    {
        var clock = new ManualClock();
        var asked = 0;
        using var login = new OAuthLogin(
            _ => ValueTask.FromResult(new OAuthToken(new Secret($"token-{++asked}"), clock.GetUtcNow().AddSeconds(100))),
            clock
        );
        for (var i = 0; i < 5; i++)
        {
            Assert.Contains("token-1", await FirstOf(login), StringComparison.Ordinal);
        }

        clock.Advance(TimeSpan.FromSeconds(79));
        Assert.Contains("token-1", await FirstOf(login), StringComparison.Ordinal);
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Contains("token-2", await FirstOf(login), StringComparison.Ordinal);
        login.Forget();
        Assert.Contains("token-3", await FirstOf(login), StringComparison.Ordinal);

        static async Task<string> FirstOf(OAuthLogin login)
        {
            using var exchange = await login.BeginAsync("h", CancellationToken.None);
            return Text(exchange.First());
        }
    }

    [Fact]
    public async Task Extensions_of_a_token_are_sent_as_the_standard_says()
    {
        var token = new OAuthToken(new Secret("abc.def"), DateTimeOffset.MaxValue)
        {
            Extensions = new Dictionary<string, string> { ["logicalCluster"] = "lkc-1" },
        };
        using var login = new OAuthLogin(_ => ValueTask.FromResult(token), new ManualClock());
        using var exchange = await login.BeginAsync("h", CancellationToken.None);
        Assert.Equal("n,,\u0001auth=Bearer abc.def\u0001logicalCluster=lkc-1\u0001\u0001", Text(exchange.First()));
    }

    [Fact]
    public async Task Client_credentials_are_exchanged_for_a_token_at_the_endpoint()
    {
        var clock = new ManualClock();
        using var endpoint = new TokenEndpoint(
            """{"access_token":"good-token","token_type":"Bearer","expires_in":300}""",
            HttpStatusCode.OK
        );
        using var source = new OidcTokenSource(
            new OidcOptions
            {
                TokenEndpoint = endpoint.Address,
                ClientId = "id",
                ClientSecret = new Secret("s:ecret"),
                Scope = "kafka read",
            },
            clock
        );
        var token = await source.AskAsync(CancellationToken.None);
        Assert.Equal("good-token", token.Value.Reveal());
        Assert.Equal(clock.GetUtcNow().AddSeconds(300), token.Expires);
        Assert.Equal("grant_type=client_credentials&scope=kafka+read", endpoint.Body);
        Assert.Equal("Basic " + Convert.ToBase64String("id:s%3Aecret"u8), endpoint.Authorization);
    }

    [Theory]
    [InlineData(
        """{"error":"invalid_client","error_description":"no such client"}""",
        HttpStatusCode.Unauthorized,
        "answered 401 Unauthorized (invalid_client: no such client)."
    )]
    [InlineData("<html>", HttpStatusCode.BadGateway, "answered 502 Bad Gateway.")]
    [InlineData("<html>", HttpStatusCode.OK, "gave an answer that is not the JSON of a token.")]
    [InlineData("[]", HttpStatusCode.OK, "gave an answer without access_token.")]
    [InlineData("""{"access_token":"x","expires_in":"NaN"}""", HttpStatusCode.OK, "gave an answer that is not the JSON of a token.")]
    [InlineData("""{"access_token":"x","expires_in":1e300}""", HttpStatusCode.OK, "gave an answer that is not the JSON of a token.")]
    [InlineData("""{"access_token":"x"}""", HttpStatusCode.OK, "gave a token without saying when it expires (neither expires_in nor exp).")]
    public async Task A_token_endpoint_that_gives_no_token_is_quoted(string body, HttpStatusCode status, string words)
    {
        using var endpoint = new TokenEndpoint(body, status);
        using var source = new OidcTokenSource(
            new OidcOptions
            {
                TokenEndpoint = endpoint.Address,
                ClientId = "id",
                ClientSecret = new Secret("s3cret"),
            },
            new ManualClock()
        );
        var error = await Assert.ThrowsAsync<WireException>(() => source.AskAsync(CancellationToken.None).AsTask());
        Assert.Equal(WireFailure.LoginSource, error.Kind);
        Assert.Equal($"The token endpoint {endpoint.Address} {words}", error.Message);
        Assert.DoesNotContain("s3cret", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_expiry_of_a_token_is_read_from_itself_where_the_endpoint_is_silent()
    {
        var payload = Convert.ToBase64String("""{"sub":"a","exp":1900000000}"""u8).TrimEnd('=');
        using var endpoint = new TokenEndpoint($$"""{"access_token":"e30.{{payload}}.sig"}""", HttpStatusCode.OK);
        using var source = new OidcTokenSource(
            new OidcOptions
            {
                TokenEndpoint = endpoint.Address,
                ClientId = "id",
                ClientSecret = new Secret("x"),
            },
            new ManualClock()
        );
        Assert.Equal(1900000000, (await source.AskAsync(CancellationToken.None)).Expires.ToUnixTimeSeconds());
    }

    internal static SaslLogin Login(string mechanism, string password, string token, TimeProvider? clock = null) =>
        mechanism switch
        {
            "PLAIN" => new PlainLogin("alice", new Secret(password)),
            "SCRAM-SHA-256" => new ScramLogin(HashAlgorithmName.SHA256, "alice", new Secret(password)),
            "SCRAM-SHA-512" => new ScramLogin(HashAlgorithmName.SHA512, "alice", new Secret(password)),
            _ => new OAuthLogin(
                _ => ValueTask.FromResult(new OAuthToken(new Secret(token), (clock ?? TimeProvider.System).GetUtcNow().AddHours(1))),
                clock ?? TimeProvider.System
            ),
        };

    private static LocalCluster With(params string[] mechanisms) =>
        LocalCluster.Start(
            new LocalClusterOptions
            {
                SaslMechanisms = mechanisms,
                Users = Alice,
                Tokens = new Dictionary<string, string> { ["good-token"] = "alice" },
            }
        );

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    private sealed class TokenEndpoint : IDisposable
    {
        private readonly HttpListener _listener = new();

        public TokenEndpoint(string answer, HttpStatusCode status)
        {
            Address = new Uri($"http://127.0.0.1:{UnusedPort()}/token");
            _listener.Prefixes.Add($"{Address}/");
            _listener.Start();
            _ = Task.Run(async () =>
            {
                var context = await _listener.GetContextAsync();
                using var reader = new StreamReader(context.Request.InputStream);
                Body = await reader.ReadToEndAsync();
                Authorization = context.Request.Headers["Authorization"];
                context.Response.StatusCode = (int)status;
                await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(answer));
                context.Response.Close();
            });
        }

        public Uri Address { get; }

        public string? Body { get; private set; }

        public string? Authorization { get; private set; }

        public void Dispose() => _listener.Close();
    }
}
