using System.Text.RegularExpressions;

namespace KafkaBackup.Engine.Storage.Azure;

/// <summary>
/// Sits under the SDK and notes what its exceptions do not say: the server's clock, by which the age of locks is judged and a wrong clock
/// here is noticed; the tenant that the account trusts; and that what answers is no blob service.
/// </summary>
internal sealed partial class AzureTransport(HttpMessageHandler inner, TimeProvider time) : DelegatingHandler(inner)
{
    /// <summary>Every answer of a blob service has it, and so have emulators'.</summary>
    private const string RequestId = "x-ms-request-id";

    private sealed record Sighting(DateTimeOffset Server, long Timestamp);

    private Sighting? _last;
    private string? _tenant;

    /// <summary>Null while no answer has carried a date.</summary>
    public DateTimeOffset? ServerTime => Volatile.Read(ref _last) is { } last ? last.Server + time.GetElapsedTime(last.Timestamp) : null;

    /// <summary>How far this machine's clock is ahead (negative: behind) of the server's; a date has whole seconds.</summary>
    public TimeSpan? MachineAhead => ServerTime is { } server ? time.GetUtcNow() - server : null;

    /// <summary>The tenant that a refusal named as the right one.</summary>
    public string? Tenant => Volatile.Read(ref _tenant);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (response.Headers.Date is { } date)
        {
            Volatile.Write(ref _last, new Sighting(date, time.GetTimestamp()));
        }

        var status = (int)response.StatusCode;
        if (request.Method == HttpMethod.Head && status >= 400)
        {
            // It announces a body that an answer to HEAD never has; the error stands in a header.
            response.Content.Headers.ContentType = null;
        }

        if (status is >= 300 and < 400 && status != 304)
        {
            var host = response.Headers.Location is { IsAbsoluteUri: true } location ? location.Authority : "another address";
            response.Dispose();
            throw new RedirectedException(host);
        }

        // Gateways before a blob service answer 429 and 5xx by themselves: those pass.
        if (status < 500 && status is not (408 or 429) && !response.Headers.Contains(RequestId))
        {
            response.Dispose();
            throw new NotBlobServiceException();
        }

        if (status == 401 && Authority().Match(response.Headers.WwwAuthenticate.ToString()) is { Success: true } match)
        {
            Volatile.Write(ref _tenant, match.Groups[1].Value);
        }

        return response;
    }

    [GeneratedRegex("authorization_uri=\"?https://[^/\"]+/([0-9A-Za-z.-]{1,80})/")]
    private static partial Regex Authority();
}

/// <summary>What answered speaks HTTP but is no blob service.</summary>
internal sealed class NotBlobServiceException() : Exception("The answer is not a blob service's.");

/// <summary>A redirect. It is never followed: signed requests and their data go to the configured host only.</summary>
internal sealed class RedirectedException(string host) : Exception($"The answer redirects to {host}.")
{
    public string Host { get; } = host;
}
