namespace KafkaBackup.Engine.Wire.Security;

/// <summary>A way to log in. One object serves all connections of a cluster; each login is an exchange of its own.</summary>
internal abstract class SaslLogin
{
    /// <summary>The mechanism's name in the protocol.</summary>
    public abstract string Mechanism { get; }

    /// <summary>What was refused, for a message: "the user name or the password", "the token".</summary>
    public abstract string Proof { get; }

    /// <param name="host">The broker's host name, which Kerberos tickets are for.</param>
    public abstract ValueTask<ISaslExchange> BeginAsync(string host, CancellationToken cancel);
}

/// <summary>One login, step by step.</summary>
internal interface ISaslExchange : IDisposable
{
    /// <summary>What the broker has said against this login so far, where the mechanism lets it say more than no.</summary>
    string? Objection => null;

    ReadOnlyMemory<byte> First();

    /// <returns>What to answer; null when the broker's last words were good and the login is over.</returns>
    /// <exception cref="SaslException">The broker's words are not what the mechanism allows here.</exception>
    ReadOnlyMemory<byte>? Next(ReadOnlySpan<byte> challenge);
}

/// <summary>A login that cannot go on. The message is the reason alone, without place and without secrets.</summary>
internal sealed class SaslException(string reason, Exception? cause = null) : Exception(reason, cause);
