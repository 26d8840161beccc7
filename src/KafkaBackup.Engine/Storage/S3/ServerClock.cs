namespace KafkaBackup.Engine.Storage.S3;

/// <summary>Notes the Date of every answer: the server's clock, by which the age of locks is judged, and from which a wrong clock here is noticed.</summary>
internal sealed class ServerClock(HttpMessageHandler inner, TimeProvider time) : DelegatingHandler(inner)
{
    private sealed record Sighting(DateTimeOffset Server, long Timestamp);

    private Sighting? _last;

    /// <summary>Null while no answer has carried a date.</summary>
    public DateTimeOffset? Now => Volatile.Read(ref _last) is { } last ? last.Server + time.GetElapsedTime(last.Timestamp) : null;

    /// <summary>How far this machine's clock is ahead (negative: behind) of the server's; a date has whole seconds.</summary>
    public TimeSpan? MachineAhead => Now is { } server ? time.GetUtcNow() - server : null;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        // Servers that do not know this header cost a second of waiting at every put.
        request.Headers.ExpectContinue = false;
        var response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (response.Headers.Date is { } date)
        {
            Volatile.Write(ref _last, new Sighting(date, time.GetTimestamp()));
        }

        return response;
    }
}
