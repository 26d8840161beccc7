using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace KafkaBackup.Engine.Wire.Security;

/// <summary>Where a token comes from by OIDC's client credentials grant.</summary>
internal sealed record OidcOptions
{
    /// <summary><c>sasl.oauthbearer.token.endpoint.url</c>.</summary>
    public required Uri TokenEndpoint { get; init; }

    /// <summary><c>sasl.oauthbearer.client.id</c>.</summary>
    public required string ClientId { get; init; }

    /// <summary><c>sasl.oauthbearer.client.secret</c>.</summary>
    public required Secret ClientSecret { get; init; }

    /// <summary><c>sasl.oauthbearer.scope</c>.</summary>
    public string? Scope { get; init; }

    /// <summary><c>sasl.oauthbearer.extensions</c>.</summary>
    public IReadOnlyDictionary<string, string> Extensions { get; init; } = new Dictionary<string, string>();

    /// <summary><c>https.ca.location</c>, in <see cref="TlsOptions.CaFile"/>; null trusts what the system trusts.</summary>
    public TlsOptions? Tls { get; init; }

    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(20);
}

/// <summary>Asks a token endpoint. Its answers are as hostile as anything from a network: their size is limited.</summary>
internal sealed class OidcTokenSource : IDisposable
{
    private const int MaxAnswerBytes = 256 * 1024;

    private readonly OidcOptions _options;
    private readonly TimeProvider _clock;
    private readonly TlsMaterial? _tls;
    private readonly HttpClient _http;

    public OidcTokenSource(OidcOptions options, TimeProvider clock)
    {
        _options = options;
        _clock = clock;
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false };
        if (options.Tls is { } tls)
        {
            _tls = new TlsMaterial(tls);
            handler.SslOptions = _tls.ForHost(options.TokenEndpoint.Host, new TlsJudgement(clock));
        }

        _http = new HttpClient(handler) { Timeout = options.Timeout, MaxResponseContentBufferSize = MaxAnswerBytes };
    }

    public async ValueTask<OAuthToken> AskAsync(CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _options.TokenEndpoint);
        var login = $"{Uri.EscapeDataString(_options.ClientId)}:{Uri.EscapeDataString(_options.ClientSecret.Reveal())}";
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(login)));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        var form = new List<KeyValuePair<string, string>> { new("grant_type", "client_credentials") };
        if (_options.Scope is { Length: > 0 } scope)
        {
            form.Add(new("scope", scope));
        }

        request.Content = new FormUrlEncodedContent(form);
        try
        {
            using var answer = await _http.SendAsync(request, cancel).ConfigureAwait(false);
            var body = await answer.Content.ReadAsByteArrayAsync(cancel).ConfigureAwait(false);
            return answer.StatusCode == HttpStatusCode.OK
                ? Read(body)
                : throw Failed($"answered {(int)answer.StatusCode} {answer.ReasonPhrase}{Reason(body)}");
        }
        catch (HttpRequestException unreachable)
        {
            throw Failed($"cannot be reached: {(unreachable.InnerException ?? unreachable).Message.TrimEnd('.')}", unreachable);
        }
        catch (TaskCanceledException late) when (!cancel.IsCancellationRequested)
        {
            throw Failed($"did not answer within {_options.Timeout.TotalSeconds:0.#} s", late);
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _tls?.Dispose();
    }

    private OAuthToken Read(byte[] body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            if (
                json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("access_token", out var token)
                && token.GetString() is { Length: > 0 } value
            )
            {
                var expires = Lifetime(json.RootElement) is { } seconds
                    ? _clock.GetUtcNow().AddSeconds(seconds)
                    : JwtExpiry(value) ?? throw Failed("gave a token without saying when it expires (neither expires_in nor exp)");
                return new OAuthToken(new Secret(value), expires) { Extensions = _options.Extensions };
            }
        }
        catch (Exception unreadable)
            when (unreadable is JsonException or InvalidOperationException or FormatException or ArgumentOutOfRangeException)
        {
            throw Failed("gave an answer that is not the JSON of a token", unreadable);
        }

        throw Failed("gave an answer without access_token");
    }

    private static double? Lifetime(JsonElement answer)
    {
        if (!answer.TryGetProperty("expires_in", out var expires))
        {
            return null;
        }

        // Some services send the number as text.
        var seconds =
            expires.ValueKind == JsonValueKind.String
                ? double.Parse(
                    expires.GetString()!,
                    System.Globalization.NumberStyles.Float,
                    System.Globalization.CultureInfo.InvariantCulture
                )
                : expires.GetDouble();
        return double.IsFinite(seconds) ? seconds : throw new FormatException("expires_in is not a number of seconds");
    }

    private static DateTimeOffset? JwtExpiry(string token)
    {
        var parts = token.Split('.');
        if (parts.Length < 2)
        {
            return null;
        }

        var payload = parts[1].Replace('-', '+').Replace('_', '/');
        using var json = JsonDocument.Parse(Convert.FromBase64String(payload.PadRight((payload.Length + 3) / 4 * 4, '=')));
        return json.RootElement.TryGetProperty("exp", out var expires)
            ? DateTimeOffset.FromUnixTimeSeconds((long)expires.GetDouble())
            : null;
    }

    /// <summary>OAuth's own words for a refusal, when the answer has them.</summary>
    private static string Reason(byte[] body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            if (
                json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("error", out var error)
                && error.ValueKind == JsonValueKind.String
            )
            {
                var more =
                    json.RootElement.TryGetProperty("error_description", out var description)
                    && description.ValueKind == JsonValueKind.String
                        ? $": {description.GetString()}"
                        : "";
                return $" ({error.GetString()}{more})";
            }
        }
        catch (JsonException)
        {
            // Not every refusal is JSON; the status code says enough.
        }

        return "";
    }

    private WireException Failed(string what, Exception? cause = null) =>
        new(WireFailure.LoginSource, $"The token endpoint {_options.TokenEndpoint.GetLeftPart(UriPartial.Path)} {what}.", cause);
}
