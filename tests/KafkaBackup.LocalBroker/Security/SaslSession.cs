using System.Text;

namespace KafkaBackup.LocalBroker.Security;

/// <summary>The authentication of one connection: nothing else is served before it succeeded.</summary>
internal sealed class SaslSession(LocalCluster cluster) : IDisposable
{
    private string? _mechanism;
    private ScramExchange? _scram;
    private OAuthExchange? _oauth;
    private GssapiExchange? _gssapi;
    private bool _authenticated;
    private DateTimeOffset _expires = DateTimeOffset.MaxValue;

    /// <summary>Set when authentication failed: the answer is sent, then the connection is closed.</summary>
    public bool Failed { get; private set; }

    private bool IsRequired => cluster.Options.SaslMechanisms.Count > 0;

    /// <summary>After a session's end, or in the middle of a login, only a login is heard.</summary>
    public bool Allows(ApiKey api) =>
        !IsRequired
        || (_authenticated && cluster.Clock.GetUtcNow() < _expires)
        || api is ApiKey.ApiVersions or ApiKey.SaslHandshake or ApiKey.SaslAuthenticate;

    /// <summary>How long a login that has just succeeded is good for, in milliseconds; 0 for ever.</summary>
    public long LifetimeMs => _authenticated ? (long)(cluster.Options.SessionLifetime ?? TimeSpan.Zero).TotalMilliseconds : 0;

    public ErrorCode Choose(string mechanism)
    {
        if (!IsRequired || (_authenticated && cluster.Options.SessionLifetime is null))
            return ErrorCode.IllegalSaslState;
        if (!cluster.Options.SaslMechanisms.Contains(mechanism))
            return ErrorCode.UnsupportedSaslMechanism;
        _mechanism = mechanism;
        _authenticated = false;
        _scram = mechanism.StartsWith("SCRAM", StringComparison.Ordinal) ? new ScramExchange(mechanism, cluster.Options.Users) : null;
        _gssapi?.Dispose();
        _gssapi = mechanism == "GSSAPI" ? new GssapiExchange() : null;
        _oauth = mechanism == "OAUTHBEARER" ? new OAuthExchange(cluster.Options.Tokens) : null;
        return ErrorCode.None;
    }

    /// <summary>One step of the exchange: the bytes to send back and, when it is over well, who the user is.</summary>
    public (ErrorCode Error, string? Message, byte[] Reply, string? User) Step(ReadOnlySpan<byte> received)
    {
        if (_mechanism is null)
            return (ErrorCode.IllegalSaslState, "SaslAuthenticate comes after SaslHandshake.", [], null);
        if (_gssapi is not null)
            return Gssapi(received);
        if (_scram is null && _oauth is null)
            return Plain(received);
        var text = Encoding.UTF8.GetString(received);
        var (reply, user) = _scram is not null ? _scram.Step(text) : _oauth!.Step(text);
        if (reply is null)
            return Refuse();
        if (user is not null)
            Accept();
        return (ErrorCode.None, null, Encoding.UTF8.GetBytes(reply), user);
    }

    private (ErrorCode Error, string? Message, byte[] Reply, string? User) Gssapi(ReadOnlySpan<byte> received)
    {
        var (reply, user) = _gssapi!.Step(received);
        if (reply is null)
            return Refuse();
        if (user is not null)
            Accept();
        return (ErrorCode.None, null, reply, user);
    }

    public void Dispose() => _gssapi?.Dispose();

    private void Accept()
    {
        _authenticated = true;
        _expires = cluster.Options.SessionLifetime is { } lifetime ? cluster.Clock.GetUtcNow() + lifetime : DateTimeOffset.MaxValue;
    }

    private (ErrorCode Error, string? Message, byte[] Reply, string? User) Plain(ReadOnlySpan<byte> received)
    {
        var parts = Encoding.UTF8.GetString(received).Split('\0');
        if (parts.Length != 3 || !cluster.Options.Users.TryGetValue(parts[1], out var password) || password != parts[2])
            return Refuse();
        Accept();
        return (ErrorCode.None, null, [], parts[1]);
    }

    private (ErrorCode Error, string? Message, byte[] Reply, string? User) Refuse()
    {
        Failed = true;
        return (ErrorCode.SaslAuthenticationFailed, "Authentication failed: Invalid username or password", [], null);
    }
}
