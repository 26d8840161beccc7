using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using KafkaBackup.Engine.Storage.Remote;

namespace KafkaBackup.Engine.Storage.S3;

/// <summary>
/// Put-if-absent by If-None-Match. Some servers ignore the header and overwrite: the first use finds out by writing a scratch object of a
/// fresh name twice. Where it is ignored, looking before and after is all that can be done; the capabilities then say that only the lock's
/// heartbeat keeps writers apart.
/// </summary>
internal sealed class S3Conditions(S3Session session) : IDisposable
{
    private const string Any = "*";

    private readonly SemaphoreSlim _detecting = new(1, 1);
    private volatile object? _honoured;

    /// <summary>Null while nobody has asked the server.</summary>
    public bool? Honoured => (bool?)_honoured;

    public async Task<bool> PutIfAbsentAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        await DetectAsync(cancel).ConfigureAwait(false);
        return Honoured is true
            ? await ConditionalAsync(key, content, cancel).ConfigureAwait(false)
            : await LookAndPutAsync(key, content, cancel).ConfigureAwait(false);
    }

    public async Task DetectAsync(CancellationToken cancel)
    {
        if (_honoured is not null)
        {
            return;
        }

        await _detecting.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            _honoured ??= await TryOutAsync(cancel).ConfigureAwait(false);
        }
        finally
        {
            _detecting.Release();
        }
    }

    public void Dispose() => _detecting.Dispose();

    private async Task<bool> TryOutAsync(CancellationToken cancel)
    {
        var scratch = $"{StoreKey.ReservedNameStart}{Guid.NewGuid():n}";
        bool honoured;
        try
        {
            await ConditionalAsync(scratch, Array.Empty<byte>(), cancel).ConfigureAwait(false);
            honoured = !await ConditionalAsync(scratch, Array.Empty<byte>(), cancel).ConfigureAwait(false);
        }
        catch (KafkaBackupException e) when (e.InnerException is AmazonS3Exception { StatusCode: HttpStatusCode.NotImplemented })
        {
            honoured = false;
        }

        await session.DeleteAsync(scratch, cancel).ConfigureAwait(false);
        if (!honoured)
        {
            session.Warn(
                $"{session.Connection.Address} does not honour conditional writes (If-None-Match): two runs on the same backup id are kept apart by the lock's heartbeat only."
            );
        }

        return honoured;
    }

    private Task<bool> ConditionalAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        var token = Guid.NewGuid().ToString("n");
        return session.Calls.RunAsync(
            new S3Call("s3:PutObject", key, content.Length) { Writes = true },
            async stop =>
            {
                var request = session.Requests.Put(key, new UploadBody(content), token, session.Calls.SendDigests);
                request.IfNoneMatch = Any;
                try
                {
                    await session.Client.PutObjectAsync(request, stop).ConfigureAwait(false);
                    return true;
                }
                catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.PreconditionFailed)
                {
                    // The object in the way may be our own, put there by an attempt whose answer was lost.
                    return await IsOursAsync(key, token, stop).ConfigureAwait(false);
                }
            },
            cancel
        );
    }

    private async Task<bool> LookAndPutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        if (await session.HeadAsync(key, cancel).ConfigureAwait(false) is not null)
        {
            return false;
        }

        var token = Guid.NewGuid().ToString("n");
        await session.PutAsync(key, () => new UploadBody(content), content.Length, token, cancel).ConfigureAwait(false);
        return await IsOursAsync(key, token, cancel).ConfigureAwait(false);
    }

    private async Task<bool> IsOursAsync(string key, string token, CancellationToken cancel) =>
        await session.HeadAsync(key, cancel).ConfigureAwait(false) is { } head && S3Session.HasToken(head, token);
}
