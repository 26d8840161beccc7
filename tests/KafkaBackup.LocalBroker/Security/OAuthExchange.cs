namespace KafkaBackup.LocalBroker.Security;

/// <summary>The server's side of OAUTHBEARER (RFC 7628): a refusal says why first, and fails when the client has heard it.</summary>
internal sealed class OAuthExchange(IReadOnlyDictionary<string, string> tokens)
{
    private const char Separator = '\u0001';

    private bool _refused;

    /// <summary>The answer to a client message, null for a refusal; the user once proven.</summary>
    public (string? Reply, string? User) Step(string message)
    {
        if (_refused)
            return (null, null);
        const string prefix = "auth=Bearer ";
        var token = message.Split(Separator).FirstOrDefault(part => part.StartsWith(prefix, StringComparison.Ordinal))?[prefix.Length..];
        if (message.StartsWith("n,", StringComparison.Ordinal) && token is not null && tokens.TryGetValue(token, out var user))
            return ("", user);
        _refused = true;
        return ("{\"status\":\"invalid_token\"}", null);
    }
}
