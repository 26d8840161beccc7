using Amazon.S3;
using Amazon.S3.Model;
using KafkaBackup.Engine.Storage.Remote;

namespace KafkaBackup.Engine.Storage.S3;

/// <summary>What the store, its listings and its uploads share.</summary>
internal sealed class S3Session : IDisposable
{
    private readonly SemaphoreSlim _recognising = new(1, 1);
    private volatile bool _recognised;

    public S3Session(S3Options options, S3Limits limits, TimeProvider time, Action<RetryNotice>? onRetry, Action<string>? onWarning)
    {
        Options = options;
        Limits = limits;
        Warn = onWarning ?? (static _ => { });
        Time = time;
        Connection = new S3Connection(options, limits, time);
        Faults = new S3Faults(options, Connection);
        Calls = new S3Calls(Connection, Faults, limits, onRetry, time);
        Requests = new S3Requests(options, time);
        Buffers = new UploadBuffers(limits.UploadBytes, limits.UnsentBytes);
    }

    public S3Options Options { get; }

    public S3Limits Limits { get; }

    /// <summary>For what the user should know although nothing failed.</summary>
    public Action<string> Warn { get; }

    public TimeProvider Time { get; }

    public S3Connection Connection { get; }

    public S3Faults Faults { get; }

    public S3Calls Calls { get; }

    public S3Requests Requests { get; }

    public UploadBuffers Buffers { get; }

    public AmazonS3Client Client => Connection.Client;

    /// <summary>
    /// Before the first request of any kind: is this an S3 server, does it know us, is the bucket there? Asked with a listing, because
    /// answers to others (HEAD) say nothing but a number. Failing connections are given up sooner than in the middle of a run: here an
    /// address is more likely wrong than a server ill.
    /// </summary>
    public async ValueTask RecogniseAsync(CancellationToken cancel)
    {
        if (_recognised)
        {
            return;
        }

        await _recognising.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            if (!_recognised)
            {
                await ProbeAsync(cancel).ConfigureAwait(false);
                WarnOfClock();
                _recognised = true;
            }
        }
        finally
        {
            _recognising.Release();
        }
    }

    /// <summary>The cheapest request whose failure explains itself.</summary>
    public Task ProbeAsync(CancellationToken cancel) =>
        Calls.RunAsync(
            new S3Call("s3:ListBucket", "") { Recognises = true, RetryBudget = Limits.RecogniseBudget },
            async stop =>
            {
                var answer = await Client
                    .ListObjectsV2Async(
                        new ListObjectsV2Request
                        {
                            BucketName = Options.Bucket,
                            Prefix = Options.Prefix,
                            MaxKeys = 1,
                        },
                        stop
                    )
                    .ConfigureAwait(false);
                if (string.IsNullOrEmpty(answer.Name))
                {
                    throw Faults.NotS3(null).Error;
                }
            },
            cancel
        );

    /// <summary>Answers to HEAD have no body: a refusal is asked about once more with a request that has one.</summary>
    public async Task<GetObjectMetadataResponse?> HeadAsync(string key, CancellationToken cancel)
    {
        try
        {
            return await Calls
                .RunAsync(
                    new S3Call("s3:GetObject", key) { IsHead = true },
                    stop =>
                        Client.GetObjectMetadataAsync(
                            new GetObjectMetadataRequest { BucketName = Options.Bucket, Key = Requests.FullKey(key) },
                            stop
                        ),
                    cancel
                )
                .ConfigureAwait(false);
        }
        catch (KafkaBackupException e) when (e.Definition == ErrorIds.StoreObjectMissing)
        {
            return null;
        }
        catch (KafkaBackupException e) when (e.InnerException is AmazonS3Exception && !StoreFault.IsTransient(e))
        {
            await ProbeAsync(cancel).ConfigureAwait(false);
            throw;
        }
    }

    public static bool HasToken(GetObjectMetadataResponse head, string token) => head.Metadata[S3Requests.TokenName] == token;

    public Task PutAsync(string key, Func<Stream> openBody, long length, string token, CancellationToken cancel) =>
        Calls.RunAsync(
            new S3Call("s3:PutObject", key, length) { Writes = true },
            stop => Client.PutObjectAsync(Requests.Put(key, openBody(), token, Calls.SendDigests), stop),
            cancel
        );

    public async Task DeleteAsync(string key, CancellationToken cancel)
    {
        try
        {
            await Calls
                .RunAsync(
                    new S3Call("s3:DeleteObject", key) { Writes = true },
                    stop =>
                        Client.DeleteObjectAsync(
                            new DeleteObjectRequest { BucketName = Options.Bucket, Key = Requests.FullKey(key) },
                            stop
                        ),
                    cancel
                )
                .ConfigureAwait(false);
        }
        catch (KafkaBackupException e) when (e.Definition == ErrorIds.StoreObjectMissing)
        {
            // Some servers say so; to us it is no error.
        }
    }

    public async Task AbortAsync(string key, string uploadId, CancellationToken cancel)
    {
        try
        {
            await Calls
                .RunAsync(
                    new S3Call("s3:AbortMultipartUpload", key) { Writes = true },
                    stop =>
                        Client.AbortMultipartUploadAsync(
                            new AbortMultipartUploadRequest
                            {
                                BucketName = Options.Bucket,
                                Key = Requests.FullKey(key),
                                UploadId = uploadId,
                            },
                            stop
                        ),
                    cancel
                )
                .ConfigureAwait(false);
        }
        catch (KafkaBackupException e)
            when (e.InnerException is AmazonS3Exception { ErrorCode: "NoSuchUpload" or "NoSuchKey" or "NotFound" })
        {
            // It has ended already.
        }
    }

    public void Dispose()
    {
        Connection.Dispose();
        _recognising.Dispose();
    }

    private void WarnOfClock()
    {
        if (Connection.Transport.MachineAhead is { } ahead && ahead.Duration() > Limits.NotableSkew)
        {
            Warn(
                $"This machine's clock is {ahead.Duration().TotalMinutes:0.#} minutes {(ahead > TimeSpan.Zero ? "ahead of" : "behind")} that of {Connection.Address}. "
                    + "S3 refuses requests from clocks that are 15 minutes off: check the time synchronisation."
            );
        }
    }
}
