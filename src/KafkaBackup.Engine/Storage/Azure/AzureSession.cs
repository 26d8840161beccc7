using Azure;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using KafkaBackup.Engine.Storage.Remote;

namespace KafkaBackup.Engine.Storage.Azure;

/// <summary>What the store, its listings and its uploads share.</summary>
internal sealed class AzureSession : IDisposable
{
    /// <summary>Tells our own write from another's when an answer was lost.</summary>
    private const string TokenName = "kafkabackup_write";

    /// <summary>On the empty blob that takes the place of an unfinished upload for a moment: it is no object.</summary>
    private const string DroppedName = "kafkabackup_dropped";

    /// <summary>On a folder of an account with a hierarchical namespace, which lists folders as blobs too.</summary>
    private const string FolderName = "hdi_isfolder";

    private readonly SemaphoreSlim _recognising = new(1, 1);
    private volatile bool _recognised;

    public AzureSession(
        AzureOptions options,
        AzureLimits limits,
        TimeProvider time,
        Action<RetryNotice>? onRetry,
        Action<string>? onWarning,
        AzureSeams? seams
    )
    {
        Options = options;
        Limits = limits;
        Warn = onWarning ?? (static _ => { });
        Time = time;
        Connection = new AzureConnection(options, limits, time, seams);
        Faults = new AzureFaults(options, Connection);
        Calls = new AzureCalls(Faults, limits, onRetry, time);
        Buffers = new UploadBuffers(limits.UploadBytes, limits.UnsentBytes);
    }

    public AzureOptions Options { get; }

    public AzureLimits Limits { get; }

    /// <summary>For what the user should know although nothing failed.</summary>
    public Action<string> Warn { get; }

    public TimeProvider Time { get; }

    public AzureConnection Connection { get; }

    public AzureFaults Faults { get; }

    public AzureCalls Calls { get; }

    public UploadBuffers Buffers { get; }

    public BlockBlobClient Blob(string key) => Connection.Blob(Options.Prefix + key);

    /// <summary>
    /// Before the first request of any kind: is this a blob service, does it know us, is the container there? Failing connections are given
    /// up sooner than in the middle of a run: here an address is more likely wrong than a server ill.
    /// </summary>
    /// <param name="writing">A missing container may be created, if that was asked for.</param>
    public async ValueTask RecogniseAsync(bool writing, CancellationToken cancel)
    {
        if (_recognised)
        {
            return;
        }

        await _recognising.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            if (_recognised)
            {
                return;
            }

            try
            {
                await ProbeAsync(cancel).ConfigureAwait(false);
            }
            catch (KafkaBackupException e) when (writing && Options.CreateContainer && AzureFaults.IsMissingContainer(e.InnerException))
            {
                await CreateContainerAsync(cancel).ConfigureAwait(false);
            }

            WarnOfClock();
            _recognised = true;
        }
        finally
        {
            _recognising.Release();
        }
    }

    /// <summary>The cheapest request whose failure explains itself.</summary>
    public Task ProbeAsync(CancellationToken cancel) =>
        Calls.RunAsync(
            AzureCall.List("") with
            {
                Recognises = true,
                RetryBudget = Limits.RecogniseBudget,
            },
            async stop =>
            {
                await foreach (
                    var page in Connection
                        .Container.GetBlobsAsync(new GetBlobsOptions { Prefix = Options.Prefix }, stop)
                        .AsPages(pageSizeHint: 1)
                        .ConfigureAwait(false)
                )
                {
                    return page.Values.Count;
                }

                return 0;
            },
            cancel
        );

    /// <summary>Null where there is no object of that key.</summary>
    public async Task<BlobProperties?> HeadAsync(string key, CancellationToken cancel)
    {
        try
        {
            var found = await Calls
                .RunAsync(AzureCall.Read(key), stop => Blob(key).GetPropertiesAsync(cancellationToken: stop), cancel)
                .ConfigureAwait(false);
            return IsNoObject(found.Value.Metadata) ? null : found.Value;
        }
        catch (KafkaBackupException e) when (e.Definition == ErrorIds.StoreObjectMissing)
        {
            return null;
        }
    }

    /// <summary>A folder, or what takes the place of a dropped upload.</summary>
    public static bool IsNoObject(IDictionary<string, string>? metadata) => IsFolder(metadata) || IsDropped(metadata);

    public static bool IsFolder(IDictionary<string, string>? metadata) =>
        metadata is not null && metadata.TryGetValue(FolderName, out var value) && value.Equals("true", StringComparison.OrdinalIgnoreCase);

    public static bool IsDropped(IDictionary<string, string>? metadata) => metadata?.ContainsKey(DroppedName) is true;

    public static bool HasToken(BlobProperties head, string token) => head.Metadata.TryGetValue(TokenName, out var found) && found == token;

    /// <summary>One request. The body is read from its start by each attempt.</summary>
    /// <param name="absent">Only if there is no object of that key; then false says that there is one of another's.</param>
    public Task<bool> PutAsync(string key, Func<Stream> openBody, long length, string token, bool absent, CancellationToken cancel) =>
        Calls.RunAsync(
            AzureCall.Write(key, length),
            async stop =>
            {
                var options = new BlobUploadOptions
                {
                    Metadata = Token(token),
                    AccessTier = TierOf(key),
                    ImmutabilityPolicy = LockOf(key),
                    Conditions = absent ? new BlobRequestConditions { IfNoneMatch = ETag.All } : null,
                    TransferOptions = new() { InitialTransferSize = length + 1, MaximumTransferSize = length + 1 },
                };
                using var body = openBody();
                try
                {
                    await Blob(key).UploadAsync(body, options, stop).ConfigureAwait(false);
                    return true;
                }
                catch (RequestFailedException e) when (absent && e.Status is 409 or 412 && AzureFaults.IsInTheWay(e))
                {
                    return await YieldsAsync(key, token, stop).ConfigureAwait(false);
                }
            },
            cancel
        );

    public async Task DeleteAsync(string key, CancellationToken cancel)
    {
        try
        {
            await Calls.RunAsync(AzureCall.Delete(key), stop => DeleteOnceAsync(key, null, stop), cancel).ConfigureAwait(false);
        }
        catch (KafkaBackupException e) when (e.Definition == ErrorIds.StoreObjectMissing)
        {
            // It has gone already.
        }
    }

    /// <summary>
    /// Azure removes blocks that were not committed after a week, or when others are committed. So an empty blob takes their place, if
    /// there is none, and is removed by its ETag: at no time can that touch an object. (A Put Blob would do too, but not on Azurite.)
    /// </summary>
    public async Task DropBlocksAsync(string key, CancellationToken cancel)
    {
        var token = Guid.NewGuid().ToString("n");
        try
        {
            await Calls
                .RunAsync(
                    AzureCall.Write(key),
                    async stop =>
                    {
                        var mark = Token(token);
                        mark[DroppedName] = "true";
                        var options = new CommitBlockListOptions
                        {
                            Metadata = mark,
                            Conditions = new BlobRequestConditions { IfNoneMatch = ETag.All },
                        };
                        try
                        {
                            await Blob(key).CommitBlockListAsync([], options, stop).ConfigureAwait(false);
                        }
                        catch (RequestFailedException e) when (AzureFaults.IsInTheWay(e))
                        {
                            // Committed meanwhile, or the mark of an attempt before this one.
                        }

                        return await RemoveMarkAsync(key, stop).ConfigureAwait(false);
                    },
                    cancel
                )
                .ConfigureAwait(false);
        }
        catch (KafkaBackupException e) when (e.Definition == ErrorIds.StoreObjectMissing)
        {
            // Somebody else has removed the mark.
        }
    }

    public AccessTier? TierOf(string key) =>
        ReplacedNames.Contains(key) ? null
        : IsManifest(key) ? Options.ManifestTier
        : Options.SegmentTier;

    /// <summary>Null for what is not to be locked.</summary>
    public BlobImmutabilityPolicy? LockOf(string key) =>
        Options.ImmutabilityDays is { } days && !ReplacedNames.Contains(key)
            ? new BlobImmutabilityPolicy { ExpiresOn = Time.GetUtcNow().AddDays(days), PolicyMode = BlobImmutabilityPolicyMode.Locked }
            : null;

    public static Dictionary<string, string> Token(string token) => new() { [TokenName] = token };

    public void Dispose()
    {
        Connection.Dispose();
        _recognising.Dispose();
    }

    /// <summary>Only data is large and read rarely; all else is read by every command.</summary>
    private static bool IsManifest(string key) => key.EndsWith(".json", StringComparison.Ordinal);

    /// <summary>
    /// The blob in the way may be our own, put there by an attempt whose answer was lost; or the mark of a dropped upload whose writer
    /// died, which makes way for the next attempt.
    /// </summary>
    private async Task<bool> YieldsAsync(string key, string token, CancellationToken cancel)
    {
        BlobProperties found = await Blob(key).GetPropertiesAsync(cancellationToken: cancel).ConfigureAwait(false);
        if (!IsDropped(found.Metadata))
        {
            return HasToken(found, token);
        }

        await DeleteOnceAsync(key, found.ETag, cancel).ConfigureAwait(false);
        throw Faults.Suspect(AzureCall.Write(key), "with what was left of a dropped upload.");
    }

    private async Task<bool> RemoveMarkAsync(string key, CancellationToken cancel)
    {
        BlobProperties found = await Blob(key).GetPropertiesAsync(cancellationToken: cancel).ConfigureAwait(false);
        return IsDropped(found.Metadata) && await DeleteOnceAsync(key, found.ETag, cancel).ConfigureAwait(false);
    }

    private async Task<bool> DeleteOnceAsync(string key, ETag? etag, CancellationToken cancel)
    {
        var conditions = etag is null ? null : new BlobRequestConditions { IfMatch = etag };
        try
        {
            await Blob(key).DeleteAsync(DeleteSnapshotsOption.None, conditions, cancel).ConfigureAwait(false);
        }
        catch (RequestFailedException e) when (e.ErrorCode == "SnapshotsPresent")
        {
            await Blob(key).DeleteAsync(DeleteSnapshotsOption.IncludeSnapshots, conditions, cancel).ConfigureAwait(false);
        }

        return true;
    }

    private async Task CreateContainerAsync(CancellationToken cancel) =>
        await Calls
            .RunAsync(
                AzureCall.Write("") with
                {
                    Action = "create the container of",
                },
                stop => Connection.Container.CreateIfNotExistsAsync(cancellationToken: stop),
                cancel
            )
            .ConfigureAwait(false);

    private void WarnOfClock()
    {
        if (Connection.Transport.MachineAhead is { } ahead && ahead.Duration() > Limits.NotableSkew)
        {
            Warn(
                $"This machine's clock is {ahead.Duration().TotalMinutes:0.#} minutes {(ahead > TimeSpan.Zero ? "ahead of" : "behind")} that of {Connection.Address}. "
                    + "Azure refuses requests from clocks that are 15 minutes off: check the time synchronisation."
            );
        }
    }
}
