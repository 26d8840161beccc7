using System.Text;

namespace KafkaBackup.LocalBroker.Security;

/// <summary>The authentication of one connection: nothing else is served before it succeeded.</summary>
internal sealed class SaslSession(LocalCluster cluster)
{
    private string? _mechanism;
    private ScramExchange? _scram;
    private bool _authenticated;

    /// <summary>Set when authentication failed: the answer is sent, then the connection is closed.</summary>
    public bool Failed { get; private set; }

    private bool IsRequired => cluster.Options.SaslMechanisms.Count > 0;

    public bool Allows(ApiKey api) =>
        !IsRequired || _authenticated || api is ApiKey.ApiVersions or ApiKey.SaslHandshake or ApiKey.SaslAuthenticate;

    public ErrorCode Choose(string mechanism)
    {
        if (!IsRequired || _authenticated)
            return ErrorCode.IllegalSaslState;
        if (!cluster.Options.SaslMechanisms.Contains(mechanism))
            return ErrorCode.UnsupportedSaslMechanism;
        _mechanism = mechanism;
        _scram = mechanism == "PLAIN" ? null : new ScramExchange(mechanism, cluster.Options.Users);
        return ErrorCode.None;
    }

    /// <summary>One step of the exchange: the bytes to send back and, when it is over well, who the user is.</summary>
    public (ErrorCode Error, string? Message, byte[] Reply, string? User) Step(ReadOnlySpan<byte> received)
    {
        if (_mechanism is null)
            return (ErrorCode.IllegalSaslState, "SaslAuthenticate comes after SaslHandshake.", [], null);
        if (_scram is null)
            return Plain(received);
        var (reply, user) = _scram.Step(Encoding.UTF8.GetString(received));
        if (reply is null)
            return Refuse();
        _authenticated = user is not null;
        return (ErrorCode.None, null, Encoding.UTF8.GetBytes(reply), user);
    }

    private (ErrorCode Error, string? Message, byte[] Reply, string? User) Plain(ReadOnlySpan<byte> received)
    {
        var parts = Encoding.UTF8.GetString(received).Split('\0');
        if (parts.Length != 3 || !cluster.Options.Users.TryGetValue(parts[1], out var password) || password != parts[2])
            return Refuse();
        _authenticated = true;
        return (ErrorCode.None, null, [], parts[1]);
    }

    private (ErrorCode Error, string? Message, byte[] Reply, string? User) Refuse()
    {
        Failed = true;
        return (ErrorCode.SaslAuthenticationFailed, "Authentication failed: Invalid username or password", [], null);
    }
}
