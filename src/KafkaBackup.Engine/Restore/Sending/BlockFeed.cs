using System.Threading.Channels;

namespace KafkaBackup.Engine.Restore;

/// <summary>Reads ahead of the sender: while one block is sent, the next is fetched and unpacked.</summary>
internal sealed class BlockFeed : IAsyncDisposable
{
    private const int Ahead = 2;

    private readonly Channel<StreamBlock> _channel = Channel.CreateBounded<StreamBlock>(Ahead);
    private readonly CancellationTokenSource _cancel;
    private readonly Task _reading;

    public BlockFeed(RecordStream stream, long skip, CancellationToken cancel)
    {
        _cancel = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        _reading = Task.Run(() => ReadAsync(stream, skip, _cancel.Token), CancellationToken.None);
    }

    /// <summary>Null at the end. Throws what reading the backup threw. For the sender's own thread, which has nothing else to do.</summary>
    public StreamBlock? Next(CancellationToken cancel)
    {
        if (_channel.Reader.TryRead(out var block))
        {
            return block;
        }

        return _channel.Reader.WaitToReadAsync(cancel).AsTask().GetAwaiter().GetResult() && _channel.Reader.TryRead(out block)
            ? block
            : null;
    }

    public async ValueTask DisposeAsync()
    {
        await _cancel.CancelAsync().ConfigureAwait(false);
        await _reading.ConfigureAwait(false);
        while (_channel.Reader.TryRead(out var block))
        {
            block.Dispose();
        }

        _cancel.Dispose();
    }

    private async Task ReadAsync(RecordStream stream, long skip, CancellationToken cancel)
    {
        Exception? error = null;
        try
        {
            await foreach (var block in stream.ReadAsync(skip, cancel).ConfigureAwait(false))
            {
                try
                {
                    await _channel.Writer.WriteAsync(block, cancel).ConfigureAwait(false);
                }
                catch
                {
                    block.Dispose();
                    throw;
                }
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // The sender has gone; nobody asks for more.
        }
        catch (Exception e)
        {
            // Thrown to the sender by Next.
            error = e;
        }

        _channel.Writer.Complete(error);
    }
}
