using System.Net;
using Amazon.S3;
using Amazon.S3.Model;

namespace KafkaBackup.Engine.Storage.S3;

/// <summary>One range read. What has arrived when a connection breaks is kept: the next attempt asks for the rest.</summary>
internal sealed class S3Read(S3Session session, string key, long offset, Memory<byte> buffer)
{
    private readonly S3Call _call = new("s3:GetObject", key, buffer.Length);
    private int _count;

    public Task<int> RunAsync(CancellationToken cancel) => session.Calls.RunAsync(_call, AttemptAsync, cancel);

    private async Task<int> AttemptAsync(CancellationToken cancel)
    {
        var from = offset + _count;
        var request = new GetObjectRequest
        {
            BucketName = session.Options.Bucket,
            Key = session.Requests.FullKey(key),
            ByteRange = new ByteRange(from, offset + buffer.Length - 1),
        };
        GetObjectResponse answer;
        try
        {
            answer = await session.Client.GetObjectAsync(request, cancel).ConfigureAwait(false);
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            // The object ends before the range begins.
            return _count;
        }

        using (answer)
        {
            var expected = Expected(answer, from);
            var stream = answer.ResponseStream;
            while (expected > 0)
            {
                var read = await stream
                    .ReadAsync(buffer.Slice(_count, (int)Math.Min(expected, buffer.Length - _count)), cancel)
                    .ConfigureAwait(false);
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

    /// <summary>How many bytes this answer must bring, by what it says about itself and the whole object.</summary>
    private long Expected(GetObjectResponse answer, long from)
    {
        var wanted = buffer.Length - _count;
        if (answer.HttpStatusCode == HttpStatusCode.OK)
        {
            return from == 0
                ? Math.Min(wanted, answer.ContentLength)
                : throw ErrorIds.StoreConfiguration.With(
                    $"{session.Connection.Address} does not honour range reads.",
                    key,
                    "Use a server that does, or remove the proxy that strips the Range header."
                );
        }

        if (
            !System.Net.Http.Headers.ContentRangeHeaderValue.TryParse(answer.ContentRange, out var range)
            || range.From != from
            || range.To is not { } to
            || range.Length is not { } total
        )
        {
            throw session.Faults.Suspect(_call, $"with another range than was asked for ('{answer.ContentRange}').");
        }

        var expected = Math.Min(wanted, total - from);
        return to - from + 1 == expected && (answer.ContentLength == expected || answer.ContentLength <= 0)
            ? expected
            : throw session.Faults.Suspect(_call, $"with a part of the range that was asked for ('{answer.ContentRange}').");
    }
}
