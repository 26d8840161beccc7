using System.Net.Http.Headers;
using System.Text.RegularExpressions;

namespace KafkaBackup.Engine.Storage.S3;

/// <summary>
/// Sits under the SDK and notes what its exceptions do not tell: the server's clock, by which the age of locks is judged and a wrong clock
/// here is noticed; the region that a bucket is really in; and that what answers is a web site.
/// </summary>
internal sealed partial class S3Transport(HttpMessageHandler inner, TimeProvider time) : DelegatingHandler(inner)
{
    private const int LongestErrorBody = 64 << 10;

    private sealed record Sighting(DateTimeOffset Server, long Timestamp);

    private Sighting? _last;
    private string? _bucketRegion;

    /// <summary>Null while no answer has carried a date.</summary>
    public DateTimeOffset? ServerTime => Volatile.Read(ref _last) is { } last ? last.Server + time.GetElapsedTime(last.Timestamp) : null;

    /// <summary>How far this machine's clock is ahead (negative: behind) of the server's; a date has whole seconds.</summary>
    public TimeSpan? MachineAhead => ServerTime is { } server ? time.GetUtcNow() - server : null;

    /// <summary>The region that an error named as the right one.</summary>
    public string? BucketRegion => Volatile.Read(ref _bucketRegion);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        // Servers that do not know this header cost a second of waiting at every put.
        request.Headers.ExpectContinue = false;
        var response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (response.Headers.Date is { } date)
        {
            Volatile.Write(ref _last, new Sighting(date, time.GetTimestamp()));
        }

        var status = (int)response.StatusCode;
        if (status is >= 300 and < 500)
        {
            // Gateways before a real S3 server answer 5xx in HTML: those pass.
            if (response.Content.Headers.ContentType is { MediaType: "text/html" })
            {
                response.Dispose();
                throw new NotS3Exception();
            }

            if (status is 301 or 307 or 400)
            {
                await NoteRegionAsync(response, cancellationToken).ConfigureAwait(false);
            }

            if (OtherHost(request, response) is { } host)
            {
                response.Dispose();
                throw new RedirectedException(host);
            }
        }

        return response;
    }

    /// <summary>The host that a redirect names, when it is another than the one asked; null for any other answer.</summary>
    private static string? OtherHost(HttpRequestMessage request, HttpResponseMessage response) =>
        (int)response.StatusCode < 400
        && response.Headers.Location is { IsAbsoluteUri: true } location
        && !string.Equals(location.Authority, request.RequestUri!.Authority, StringComparison.OrdinalIgnoreCase)
            ? location.Authority
            : null;

    private async Task NoteRegionAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        if (response.Headers.TryGetValues("x-amz-bucket-region", out var named))
        {
            Volatile.Write(ref _bucketRegion, named.First());
        }
        else if (response.Content.Headers is HttpContentHeaders { ContentLength: > 0 and <= LongestErrorBody })
        {
            await response.Content.LoadIntoBufferAsync().WaitAsync(cancel).ConfigureAwait(false);
            if (RegionElement().Match(await response.Content.ReadAsStringAsync(cancel).ConfigureAwait(false)) is { Success: true } match)
            {
                Volatile.Write(ref _bucketRegion, match.Groups[1].Value);
            }
        }
    }

    [GeneratedRegex("<Region>([a-z0-9-]{1,40})</Region>")]
    private static partial Regex RegionElement();
}

/// <summary>What answered speaks HTTP but not S3.</summary>
internal sealed class NotS3Exception() : Exception("The answer was a web page.");

/// <summary>A redirect to another host. It is never followed: signed requests and their data go to the configured host only.</summary>
internal sealed class RedirectedException(string host) : Exception($"The answer redirects to {host}.")
{
    public string Host { get; } = host;
}
