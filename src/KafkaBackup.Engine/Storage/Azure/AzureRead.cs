using Azure;
using Azure.Storage.Blobs.Models;

namespace KafkaBackup.Engine.Storage.Azure;

/// <summary>
/// One range read. What has arrived when a connection breaks is kept, and the next attempt asks for the rest of the same content: if the
/// object was replaced meanwhile, it begins again.
/// </summary>
internal sealed class AzureRead(AzureSession session, string key, long offset, Memory<byte> buffer)
{
    private readonly AzureCall _call = AzureCall.Read(key, buffer.Length);
    private ETag? _content;
    private int _count;

    public Task<int> RunAsync(CancellationToken cancel) => session.Calls.RunAsync(_call, AttemptAsync, cancel);

    private async Task<int> AttemptAsync(CancellationToken cancel)
    {
        var from = offset + _count;
        var options = new BlobDownloadOptions
        {
            Range = new HttpRange(from, buffer.Length - _count),
            Conditions = _content is null ? null : new BlobRequestConditions { IfMatch = _content },
        };
        BlobDownloadStreamingResult answer;
        try
        {
            answer = await session.Blob(key).DownloadStreamingAsync(options, cancel).ConfigureAwait(false);
        }
        catch (RequestFailedException e) when (e.Status == 416)
        {
            // The object ends before the range begins.
            return await EndAsync(cancel).ConfigureAwait(false);
        }
        catch (RequestFailedException e) when (e.Status == 412 && _content is not null)
        {
            _content = null;
            _count = 0;
            throw session.Faults.Suspect(_call, "with another content than before: it was replaced meanwhile.");
        }

        using (answer)
        {
            if (answer.Details.ContentRange == $"bytes {from}-{from - 1}/{from}")
            {
                // Azurite's way to say the same.
                return await EndAsync(cancel).ConfigureAwait(false);
            }

            _content = answer.Details.ETag;
            var expected = Expected(answer.Details, from);
            while (expected > 0)
            {
                var read = await answer.Content.ReadAsync(buffer.Slice(_count, (int)expected), cancel).ConfigureAwait(false);
                if (read == 0)
                {
                    throw session.Faults.Suspect(_call, $"with {expected} bytes too few.");
                }

                _count += read;
                expected -= read;
            }

            return _count;
        }
    }

    /// <summary>Nothing could be read: an empty object, or none at all where only the mark of a dropped upload is.</summary>
    private async Task<int> EndAsync(CancellationToken cancel)
    {
        if (offset + _count > 0)
        {
            return _count;
        }

        BlobProperties found = await session.Blob(key).GetPropertiesAsync(cancellationToken: cancel).ConfigureAwait(false);
        return AzureSession.IsNoObject(found.Metadata) ? throw session.Faults.MissingObject(_call, null) : 0;
    }

    /// <summary>How many bytes this answer must bring, by what it says about itself and the whole object.</summary>
    private long Expected(BlobDownloadDetails details, long from)
    {
        var wanted = buffer.Length - _count;
        if (
            !System.Net.Http.Headers.ContentRangeHeaderValue.TryParse(details.ContentRange ?? "", out var range)
            || range.From != from
            || range.To is not { } to
            || range.Length is not { } total
        )
        {
            throw session.Faults.Suspect(_call, $"with another range than was asked for ('{details.ContentRange}').");
        }

        var expected = Math.Min(wanted, total - from);
        return to - from + 1 == expected
            ? expected
            : throw session.Faults.Suspect(_call, $"with a part of the range that was asked for ('{details.ContentRange}').");
    }
}
