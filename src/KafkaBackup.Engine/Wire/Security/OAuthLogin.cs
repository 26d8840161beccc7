using System.Text;
using System.Text.RegularExpressions;

namespace KafkaBackup.Engine.Wire.Security;

/// <param name="Value">What the broker is shown.</param>
/// <param name="Expires">When it is of no use any more.</param>
internal sealed record OAuthToken(Secret Value, DateTimeOffset Expires)
{
    /// <summary>SASL extensions, which some services want (logicalCluster, identityPoolId).</summary>
    public IReadOnlyDictionary<string, string> Extensions { get; init; } = new Dictionary<string, string>();
}

/// <summary>OAUTHBEARER (RFC 7628, KIP-255): a token, asked for when the last one is nearly used up.</summary>
internal sealed partial class OAuthLogin(Func<CancellationToken, ValueTask<OAuthToken>> source, TimeProvider clock) : SaslLogin, IDisposable
{
    /// <summary>Of a token's life: later than that a new one is asked for.</summary>
    private const double UsedUpTo = 0.8;

    private readonly SemaphoreSlim _asking = new(1);
    private OAuthToken? _token;
    private DateTimeOffset _renewAt;

    public override string Mechanism => "OAUTHBEARER";

    public override string Proof => "the token";

    public override async ValueTask<ISaslExchange> BeginAsync(string host, CancellationToken cancel)
    {
        var token = await TokenAsync(cancel).ConfigureAwait(false);
        if (!TokenText().IsMatch(token.Value.Reveal()))
        {
            throw new SaslException("the token that was given is empty or has characters that no token has");
        }

        foreach (var (name, value) in token.Extensions)
        {
            if (
                name is "" or "auth"
                || !name.All(char.IsAsciiLetter)
                || !value.All(letter => letter is >= ' ' and <= '~' or '\t' or '\r' or '\n')
            )
            {
                throw new SaslException($"the SASL extension '{name}' is not one that OAUTHBEARER allows");
            }
        }

        return new Exchange(token);
    }

    /// <summary>The next login asks for a new token, because the broker refused this one.</summary>
    public void Forget() => Volatile.Write(ref _token, null);

    public void Dispose() => _asking.Dispose();

    private async ValueTask<OAuthToken> TokenAsync(CancellationToken cancel)
    {
        await _asking.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            var now = clock.GetUtcNow();
            if (_token is { } known && now < _renewAt)
            {
                return known;
            }

            var token = await source(cancel).ConfigureAwait(false);
            if (token.Expires <= now)
            {
                throw new SaslException($"the token that was given expired at {token.Expires.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z");
            }

            _renewAt = now + ((token.Expires - now) * UsedUpTo);
            return _token = token;
        }
        finally
        {
            _asking.Release();
        }
    }

    [GeneratedRegex(@"^[-_\.~+/a-zA-Z0-9]+=*$", RegexOptions.CultureInvariant)]
    private static partial Regex TokenText();

    private sealed class Exchange(OAuthToken token) : ISaslExchange
    {
        private const char Separator = '\u0001';

        private string? _refusal;

        public string? Objection => _refusal;

        public ReadOnlyMemory<byte> First()
        {
            var text = new StringBuilder("n,,").Append(Separator).Append("auth=Bearer ").Append(token.Value.Reveal());
            foreach (var (name, value) in token.Extensions)
            {
                text.Append(Separator).Append(name).Append('=').Append(value);
            }

            return Encoding.UTF8.GetBytes(text.Append(Separator).Append(Separator).ToString());
        }

        /// <summary>A broker that refuses says why first, waits for one byte, and only then ends the login.</summary>
        public ReadOnlyMemory<byte>? Next(ReadOnlySpan<byte> challenge)
        {
            if (_refusal is not null)
            {
                throw new SaslException($"the broker says '{_refusal}'");
            }

            if (challenge.IsEmpty)
            {
                return null;
            }

            _refusal = Encoding.UTF8.GetString(challenge);
            return new byte[] { 1 };
        }

        public void Dispose() { }
    }
}
