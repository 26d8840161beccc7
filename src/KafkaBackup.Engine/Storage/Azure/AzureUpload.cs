using System.Globalization;
using System.Text;
using Azure;
using Azure.Storage.Blobs.Models;
using KafkaBackup.Engine.Storage.Remote;

namespace KafkaBackup.Engine.Storage.Azure;

/// <summary>
/// An object on its way: blocks leave as they fill, several at once, and nothing is staged on disk. What fits into one block goes as one
/// request at the commit. The object appears when the blocks are committed; until then there is nothing, and an upload that fails or is
/// dropped takes its blocks with it.
/// </summary>
internal sealed class AzureUpload : IStoreUpload
{
    private static readonly TimeSpan DropTime = TimeSpan.FromSeconds(30);

    private readonly AzureSession _session;
    private readonly string _key;
    private readonly string _token = Guid.NewGuid().ToString("n");
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task<string>> _blocks = [];
    private readonly DateTimeOffset _began;
    private UploadPart _filling;
    private long _written;
    private bool _ended;

    public AzureUpload(AzureSession session, string key)
    {
        _session = session;
        _key = key;
        _began = session.Time.GetUtcNow();
        _filling = new UploadPart(session.Buffers);
        session.Buffers.Opened();
    }

    public bool ShouldEnd => _session.Buffers.IsCrowdedBy(_filling);

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        while (content.Length > 0)
        {
            var room = _session.Limits.BlockSize - _filling.Length;
            if (room <= 0)
            {
                await SendBlockAsync().ConfigureAwait(false);
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
        if (_blocks.Count == 0)
        {
            var chunks = _filling.Chunks;
            _session.Buffers.Leaving(chunks);
            try
            {
                await _session.PutAsync(_key, _filling.OpenBody, _filling.Length, _token, absent: false, cancel).ConfigureAwait(false);
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
                await SendBlockAsync().ConfigureAwait(false);
            }

            var blocks = await Task.WhenAll(_blocks).WaitAsync(cancel).ConfigureAwait(false);
            await CommitBlocksAsync(blocks, cancel).ConfigureAwait(false);
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
        await Task.WhenAll(_blocks).ContinueWith(static _ => { }, TaskScheduler.Default).ConfigureAwait(false);
        if (_blocks.Count > 0)
        {
            await DropAsync().ConfigureAwait(false);
        }

        Release();
    }

    /// <summary>When the upload began, from the name of one of its blocks; null where it was not made here.</summary>
    public static DateTimeOffset? BeginningIn(string blockName)
    {
        var bytes = new byte[blockName.Length];
        return
            Convert.TryFromBase64String(blockName, bytes, out var count)
            && Encoding.ASCII.GetString(bytes, 0, count).Split('-') is [var began, _, _]
            && long.TryParse(began, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            && milliseconds < 1L << 44
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
            : null;
    }

    private void Release()
    {
        _filling.Dispose();
        _stop.Dispose();
        _session.Buffers.Closed();
    }

    private async Task SendBlockAsync()
    {
        await ThrowIfFailedAsync().ConfigureAwait(false);
        var number = _blocks.Count;
        if (number >= _session.Limits.MaxBlocks)
        {
            throw ErrorIds.StoreWrite.With($"'{_key}' is larger than it can be on Azure.", _key, "Lower segment_max_bytes.");
        }

        var block = _filling;
        _filling = new UploadPart(_session.Buffers);
        _session.Buffers.Leaving(block.Chunks);
        _blocks.Add(Task.Run(() => SendBlockAsync(BlockName(number), block), CancellationToken.None));
    }

    /// <summary>All names of a blob's blocks must have the same length; no other writer of the key has ours.</summary>
    private string BlockName(int number) =>
        Convert.ToBase64String(
            Encoding.ASCII.GetBytes(
                string.Create(CultureInfo.InvariantCulture, $"{_began.ToUnixTimeMilliseconds():D14}-{_token}-{number:D5}")
            )
        );

    private async Task<string> SendBlockAsync(string name, UploadPart block)
    {
        try
        {
            return await _session
                .Calls.RunAsync(
                    AzureCall.Stage(_key, block.Length),
                    async stop =>
                    {
                        using var body = block.OpenBody();
                        await _session.Blob(_key).StageBlockAsync(name, body, cancellationToken: stop).ConfigureAwait(false);
                        return name;
                    },
                    _stop.Token
                )
                .ConfigureAwait(false);
        }
        finally
        {
            var chunks = block.Chunks;
            block.Dispose();
            _session.Buffers.Left(chunks);
        }
    }

    /// <summary>A block that failed has used up its tries: no use in reading and sending more.</summary>
    private async Task ThrowIfFailedAsync()
    {
        foreach (var block in _blocks)
        {
            if (block.IsFaulted || block.IsCanceled)
            {
                await block.ConfigureAwait(false);
            }
        }
    }

    private Task<bool> CommitBlocksAsync(string[] blocks, CancellationToken cancel) =>
        _session.Calls.RunAsync(
            AzureCall.Write(_key),
            async stop =>
            {
                try
                {
                    var options = new CommitBlockListOptions
                    {
                        Metadata = AzureSession.Token(_token),
                        AccessTier = _session.TierOf(_key),
                        ImmutabilityPolicy = _session.LockOf(_key),
                    };
                    await _session.Blob(_key).CommitBlockListAsync(blocks, options, stop).ConfigureAwait(false);
                }
                catch (RequestFailedException)
                {
                    // An attempt before this one may have been done and its answer lost: the object tells.
                    if (!await IsOursAsync(stop).ConfigureAwait(false))
                    {
                        throw;
                    }
                }

                return true;
            },
            cancel
        );

    private async Task<bool> IsOursAsync(CancellationToken cancel)
    {
        try
        {
            BlobProperties found = await _session.Blob(_key).GetPropertiesAsync(cancellationToken: cancel).ConfigureAwait(false);
            return found.ContentLength == _written && AzureSession.HasToken(found, _token);
        }
        catch (RequestFailedException)
        {
            // Not to be seen: the failure of the commit is the one to report.
            return false;
        }
    }

    /// <summary>
    /// Runs when the caller has already failed or given up, so it must not throw over that; what it cannot remove, it reports.
    /// </summary>
    private async Task DropAsync()
    {
        using var limit = new CancellationTokenSource(DropTime, _session.Time);
        try
        {
            await _session.DropBlocksAsync(_key, limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is KafkaBackupException or OperationCanceledException)
        {
            _session.Warn(
                $"The unfinished upload of '{_key}' to {_session.Options.Location} could not be removed ({e.Message}). "
                    + "Its blocks are invisible, and Azure removes them after a week; Repair-KafkaBackup removes them at once."
            );
        }
    }
}
