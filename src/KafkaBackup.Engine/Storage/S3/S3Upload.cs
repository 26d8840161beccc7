using Amazon.S3;
using Amazon.S3.Model;
using KafkaBackup.Engine.Storage.Remote;

namespace KafkaBackup.Engine.Storage.S3;

/// <summary>
/// An object on its way: parts leave as they fill, several at once, and nothing is staged on disk. What fits into one part goes as one
/// request at the commit. The object appears when the server joins the parts; until then there is nothing, and an upload that fails or is
/// dropped is aborted so that its parts cost nothing.
/// </summary>
internal sealed class S3Upload : IStoreUpload
{
    /// <summary>
    /// Parts are this fraction of what was written before: 10,000 of them hold about 10 TiB, and the first 10 GiB go in parts of the
    /// smallest size.
    /// </summary>
    private const int GrowthDivisor = 1250;

    private static readonly TimeSpan AbortTime = TimeSpan.FromSeconds(30);

    private readonly S3Session _session;
    private readonly string _key;
    private readonly string _token = Guid.NewGuid().ToString("n");
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task<PartETag>> _parts = [];
    private UploadPart _filling;
    private string? _uploadId;
    private long _written;
    private bool _ended;

    public S3Upload(S3Session session, string key)
    {
        _session = session;
        _key = key;
        _filling = new UploadPart(session.Buffers);
        session.Buffers.Opened();
    }

    public bool ShouldEnd => _session.Buffers.IsCrowdedBy(_filling);

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        while (content.Length > 0)
        {
            var room = PartSize(_written - _filling.Length, _session.Limits) - _filling.Length;
            if (room <= 0)
            {
                await SendPartAsync(cancel).ConfigureAwait(false);
                continue;
            }

            var taken = await _filling.AppendAsync(content[..(int)Math.Min(content.Length, room)], cancel).ConfigureAwait(false);
            _written += taken;
            content = content[taken..];
        }
    }

    public async ValueTask CommitAsync(CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        if (_uploadId is null)
        {
            var chunks = _filling.Chunks;
            _session.Buffers.Leaving(chunks);
            try
            {
                await _session.PutAsync(_key, _filling.OpenBody, _filling.Length, _token, cancel).ConfigureAwait(false);
            }
            finally
            {
                _session.Buffers.Left(chunks);
            }
        }
        else
        {
            if (_filling.Length > 0)
            {
                await SendPartAsync(cancel).ConfigureAwait(false);
            }

            var parts = await Task.WhenAll(_parts).WaitAsync(cancel).ConfigureAwait(false);
            await CompleteAsync(_uploadId, parts, cancel).ConfigureAwait(false);
            await EnsureRetentionAsync(cancel).ConfigureAwait(false);
        }

        _ended = true;
        Release();
    }

    public async ValueTask DisposeAsync()
    {
        if (_ended)
        {
            return;
        }

        _ended = true;
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_parts).ContinueWith(static _ => { }, TaskScheduler.Default).ConfigureAwait(false);
        if (_uploadId is { } uploadId)
        {
            await AbortAsync(uploadId).ConfigureAwait(false);
        }

        Release();
    }

    /// <summary>The size of the next part after so many bytes.</summary>
    public static long PartSize(long sent, S3Limits limits)
    {
        const long mebibyte = 1 << 20;
        var share = sent / GrowthDivisor;
        return share <= limits.PartSize ? limits.PartSize : (share + mebibyte - 1) / mebibyte * mebibyte;
    }

    private void Release()
    {
        _filling.Dispose();
        _stop.Dispose();
        _session.Buffers.Closed();
    }

    private async Task SendPartAsync(CancellationToken cancel)
    {
        await ThrowIfFailedAsync().ConfigureAwait(false);
        var number = _parts.Count + 1;
        if (number > _session.Limits.MaxParts)
        {
            throw ErrorIds.StoreWrite.With($"'{_key}' is larger than an S3 object can be.", _key, "Lower segment_max_bytes.");
        }

        _uploadId ??= await BeginAsync(cancel).ConfigureAwait(false);
        var part = _filling;
        _filling = new UploadPart(_session.Buffers);
        _session.Buffers.Leaving(part.Chunks);
        _parts.Add(Task.Run(() => SendPartAsync(_uploadId, number, part), CancellationToken.None));
    }

    private async Task<PartETag> SendPartAsync(string uploadId, int number, UploadPart part)
    {
        try
        {
            var call = new S3Call("s3:PutObject", _key, part.Length);
            return await _session
                .Calls.RunAsync(
                    call,
                    async stop =>
                    {
                        var request = _session.Requests.Part(_key, uploadId, number, part, _session.Calls.SendDigests);
                        var answer = await _session.Client.UploadPartAsync(request, stop).ConfigureAwait(false);
                        return string.IsNullOrEmpty(answer.ETag)
                            ? throw _session.Faults.Suspect(call, "without the part's ETag.")
                            : new PartETag(number, answer.ETag);
                    },
                    _stop.Token
                )
                .ConfigureAwait(false);
        }
        finally
        {
            var chunks = part.Chunks;
            part.Dispose();
            _session.Buffers.Left(chunks);
        }
    }

    /// <summary>A part that failed has used up its tries: no use in reading and sending more.</summary>
    private async Task ThrowIfFailedAsync()
    {
        foreach (var part in _parts)
        {
            if (part.IsFaulted || part.IsCanceled)
            {
                await part.ConfigureAwait(false);
            }
        }
    }

    private Task<string> BeginAsync(CancellationToken cancel)
    {
        var call = new S3Call("s3:PutObject", _key) { Writes = true };
        return _session.Calls.RunAsync(
            call,
            async stop =>
            {
                var answer = await _session
                    .Client.InitiateMultipartUploadAsync(_session.Requests.Begin(_key, _token), stop)
                    .ConfigureAwait(false);
                return string.IsNullOrEmpty(answer.UploadId)
                    ? throw _session.Faults.Suspect(call, "without an upload id.")
                    : answer.UploadId;
            },
            cancel
        );
    }

    private Task CompleteAsync(string uploadId, PartETag[] parts, CancellationToken cancel)
    {
        var call = new S3Call("s3:PutObject", _key, 0) { Writes = true };
        return _session.Calls.RunAsync(
            call,
            async stop =>
            {
                try
                {
                    var answer = await _session
                        .Client.CompleteMultipartUploadAsync(
                            new CompleteMultipartUploadRequest
                            {
                                BucketName = _session.Options.Bucket,
                                Key = _session.Requests.FullKey(_key),
                                UploadId = uploadId,
                                PartETags = [.. parts],
                            },
                            stop
                        )
                        .ConfigureAwait(false);
                    if (!string.IsNullOrEmpty(answer.ETag))
                    {
                        return;
                    }
                }
                catch (AmazonS3Exception e) when (e.ErrorCode == "NoSuchUpload")
                {
                    // An attempt before this one was done and its answer lost, or somebody aborted the upload: the object tells.
                    if (!await IsOursAsync(stop).ConfigureAwait(false))
                    {
                        throw;
                    }

                    return;
                }

                if (!await IsOursAsync(stop).ConfigureAwait(false))
                {
                    throw _session.Faults.Suspect(call, "with success, but the object is not there.");
                }
            },
            cancel
        );
    }

    /// <summary>
    /// Retention was asked for when the upload began; some servers (radosgw 18) forget it. A backup that only seems protected is not: look,
    /// and set it.
    /// </summary>
    private async Task EnsureRetentionAsync(CancellationToken cancel)
    {
        if (
            _session.Requests.RetainUntil(_key) is not { } until
            || await _session.HeadAsync(_key, cancel).ConfigureAwait(false) is { ObjectLockMode: not null }
        )
        {
            return;
        }

        await _session
            .Calls.RunAsync(
                new S3Call("s3:PutObjectRetention", _key) { Writes = true },
                stop =>
                    _session.Client.PutObjectRetentionAsync(
                        new PutObjectRetentionRequest
                        {
                            BucketName = _session.Options.Bucket,
                            Key = _session.Requests.FullKey(_key),
                            Retention = new ObjectLockRetention { Mode = ObjectLockRetentionMode.Compliance, RetainUntilDate = until },
                        },
                        stop
                    ),
                cancel
            )
            .ConfigureAwait(false);
    }

    private async Task<bool> IsOursAsync(CancellationToken cancel) =>
        await _session.HeadAsync(_key, cancel).ConfigureAwait(false) is { } head
        && head.ContentLength == _written
        && S3Session.HasToken(head, _token);

    /// <summary>
    /// Runs when the caller has already failed or given up, so it must not throw over that; what it cannot remove, it tells.
    /// </summary>
    private async Task AbortAsync(string uploadId)
    {
        using var limit = new CancellationTokenSource(AbortTime, _session.Time);
        try
        {
            await _session.AbortAsync(_key, uploadId, limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is KafkaBackupException or OperationCanceledException)
        {
            _session.Warn(
                $"The unfinished upload of '{_key}' to {_session.Options.Location} could not be removed ({e.Message}). "
                    + "Its parts are invisible but cost space: Test-KafkaBackup -Deep shows them and Repair-KafkaBackup removes them."
            );
        }
    }
}
