using System.Runtime.CompilerServices;
using System.Text;
using Amazon.S3.Model;

namespace KafkaBackup.Engine.Storage.S3;

/// <summary>
/// Listings, page by page. A server that repeats a page or goes back would make a listing endless or wrong: order is checked from name to
/// name.
/// </summary>
internal sealed class S3Listing(S3Session session)
{
    public async IAsyncEnumerable<StoreObject> ObjectsAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var entry in AllObjectsAsync(prefix, cancel).ConfigureAwait(false))
        {
            if (entry.Key.Length > 0 && entry.Key[^1] != '/' && !IsScratch(entry.Key))
            {
                yield return entry;
            }
        }
    }

    public IAsyncEnumerable<StoreObject> ScratchAsync(CancellationToken cancel) => AllObjectsAsync(StoreKey.ReservedNameStart, cancel);

    /// <summary>Full prefixes, each ending in '/'.</summary>
    public IAsyncEnumerable<string> FoldersAsync(string prefix, CancellationToken cancel) =>
        EntriesAsync(prefix, "/", page => (page.CommonPrefixes ?? []).Select(p => (p, Relative(p))), cancel);

    public async IAsyncEnumerable<StoreUpload> UploadsAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        var request = new ListMultipartUploadsRequest { BucketName = session.Options.Bucket, Prefix = session.Requests.FullKey(prefix) };
        var call = new S3Call("s3:ListBucketMultipartUploads", prefix);
        while (true)
        {
            var page = await session
                .Calls.RunAsync(call, stop => session.Client.ListMultipartUploadsAsync(request, stop), cancel)
                .ConfigureAwait(false);
            foreach (var upload in page.MultipartUploads ?? [])
            {
                var key = Relative(upload.Key);
                yield return new StoreUpload(
                    key,
                    upload.UploadId,
                    await SizeOfPartsAsync(upload.Key, upload.UploadId, cancel).ConfigureAwait(false),
                    Utc(upload.Initiated)
                );
            }

            if (page.IsTruncated is not true)
            {
                yield break;
            }

            if (
                string.IsNullOrEmpty(page.NextKeyMarker)
                || (page.NextKeyMarker == request.KeyMarker && page.NextUploadIdMarker == request.UploadIdMarker)
            )
            {
                throw Repeats(call);
            }

            request.KeyMarker = page.NextKeyMarker;
            request.UploadIdMarker = page.NextUploadIdMarker;
        }
    }

    private async Task<long> SizeOfPartsAsync(string fullKey, string uploadId, CancellationToken cancel)
    {
        var request = new ListPartsRequest
        {
            BucketName = session.Options.Bucket,
            Key = fullKey,
            UploadId = uploadId,
        };
        var call = new S3Call("s3:ListMultipartUploadParts", Relative(fullKey));
        var size = 0L;
        var last = 0;
        while (true)
        {
            ListPartsResponse page;
            try
            {
                page = await session
                    .Calls.RunAsync(call, stop => session.Client.ListPartsAsync(request, stop), cancel)
                    .ConfigureAwait(false);
            }
            catch (KafkaBackupException e) when (e.InnerException is Amazon.S3.AmazonS3Exception { ErrorCode: "NoSuchUpload" })
            {
                // It ended while we were listing.
                return size;
            }

            foreach (var part in page.Parts ?? [])
            {
                if (part.PartNumber is not { } number || number <= last)
                {
                    throw Repeats(call);
                }

                last = number;
                size += part.Size ?? 0;
            }

            if (page.IsTruncated is not true)
            {
                return size;
            }

            if (
                page.NextPartNumberMarker is not { } next
                || next.ToString(System.Globalization.CultureInfo.InvariantCulture) == request.PartNumberMarker
            )
            {
                throw Repeats(call);
            }

            request.PartNumberMarker = next.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    private async IAsyncEnumerable<T> EntriesAsync<T>(
        string prefix,
        string? delimiter,
        Func<ListObjectsV2Response, IEnumerable<(string FullKey, T Entry)>> select,
        [EnumeratorCancellation] CancellationToken cancel
    )
    {
        var request = new ListObjectsV2Request
        {
            BucketName = session.Options.Bucket,
            Prefix = session.Requests.FullKey(prefix),
            Delimiter = delimiter,
        };
        var call = new S3Call("s3:ListBucket", prefix);
        var last = "";
        while (true)
        {
            var page = await session
                .Calls.RunAsync(
                    call,
                    async stop =>
                    {
                        var answer = await session.Client.ListObjectsV2Async(request, stop).ConfigureAwait(false);
                        return string.IsNullOrEmpty(answer.Name)
                            ? throw session.Faults.Suspect(call, "with something that is not a listing.")
                            : answer;
                    },
                    cancel
                )
                .ConfigureAwait(false);
            foreach (var (fullKey, entry) in select(page))
            {
                if (CompareBytes(last, fullKey) >= 0 || !fullKey.StartsWith(request.Prefix, StringComparison.Ordinal))
                {
                    throw Repeats(call);
                }

                last = fullKey;
                yield return entry;
            }

            if (page.IsTruncated is not true)
            {
                yield break;
            }

            if (string.IsNullOrEmpty(page.NextContinuationToken) || page.NextContinuationToken == request.ContinuationToken)
            {
                throw Repeats(call);
            }

            request.ContinuationToken = page.NextContinuationToken;
        }
    }

    private static bool IsScratch(string key) => key.StartsWith(StoreKey.ReservedNameStart, StringComparison.Ordinal);

    /// <summary>
    /// With the empty objects whose names end in '/', which consoles make to show folders, and the store's own scratch objects.
    /// </summary>
    private IAsyncEnumerable<StoreObject> AllObjectsAsync(string prefix, CancellationToken cancel) =>
        EntriesAsync(
            prefix,
            null,
            page => (page.S3Objects ?? []).Select(o => (o.Key, new StoreObject(Relative(o.Key), o.Size ?? 0, Utc(o.LastModified)))),
            cancel
        );

    private string Relative(string fullKey) =>
        fullKey.StartsWith(session.Options.Prefix, StringComparison.Ordinal) ? fullKey[session.Options.Prefix.Length..] : fullKey;

    private KafkaBackupException Repeats(S3Call call) =>
        ErrorIds.StoreRead.With(
            $"{session.Connection.Address} lists {session.Options.Location} wrongly: pages repeat, are out of order or do not continue.",
            call.Key,
            "No conclusion can be drawn from such a listing. Check the server, or a proxy before it."
        );

    /// <summary>S3's order: that of the UTF-8 bytes. It is the ordinal order except for characters beyond the basic plane.</summary>
    private static int CompareBytes(string a, string b) => Encoding.UTF8.GetBytes(a).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b));

    private static DateTimeOffset Utc(DateTime? time) => time is { } t ? new DateTimeOffset(t.ToUniversalTime()) : default;
}
