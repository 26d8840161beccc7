namespace KafkaBackup.Engine.Cluster;

/// <summary>Takes known secrets out of texts that come from the client library, wherever it may have put them.</summary>
internal sealed class SecretScrubber(IEnumerable<Secret?> secrets)
{
    /// <summary>Shorter values (true, 10) are no secrets, and replacing them would garble every text.</summary>
    private const int ShortestSecret = 4;

    private readonly string[] _secrets =
    [
        .. secrets
            .Select(secret => secret?.Reveal() ?? "")
            .Where(text => text.Length >= ShortestSecret && !IsPlainWord(text))
            .Distinct(StringComparer.Ordinal)
            .OrderByDescending(text => text.Length),
    ];

    public string Scrub(string text)
    {
        foreach (var secret in _secrets)
        {
            text = text.Replace(secret, "********", StringComparison.Ordinal);
        }

        return text;
    }

    private static bool IsPlainWord(string text) =>
        bool.TryParse(text, out _) || text is "none" or "PLAIN" or "SASL_SSL" or "SASL_PLAINTEXT" or "PLAINTEXT";
}
