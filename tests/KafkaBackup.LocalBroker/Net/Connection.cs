using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using System.Threading.Channels;
using KafkaBackup.LocalBroker.Security;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Net;

/// <summary>
/// One client connection. A reader takes requests off the socket ahead of time, a worker handles them one after the other, in
/// order. Because of the reading ahead, requests that a client sent before it died are still handled: late appends.
/// </summary>
internal sealed class Connection(LocalCluster cluster, BrokerNode broker, int id, Stream stream, string user) : IAsyncDisposable
{
    private const int RequestsAhead = 16;
    private const int StreamChunk = 256 * 1024;
    private const int MaxRequest = 512 * 1024 * 1024;

    private readonly Channel<(byte[] Buffer, int Length)> _pending = Channel.CreateBounded<(byte[], int)>(RequestsAhead);
    private readonly CancellationTokenSource _gone = new();
    private Task _muted = Task.CompletedTask;

    public int Id { get; } = id;

    public int Broker => broker.Id;

    /// <summary>Who is asking: from the client certificate, from SASL, or ANONYMOUS.</summary>
    public string User { get; set; } = user;

    public SaslSession Sasl { get; } = new(cluster);

    /// <summary>Cancelled when the client closed the connection: nobody waits for an answer any more.</summary>
    public CancellationToken Gone => _gone.Token;

    /// <summary>What is sent in the next time is not heard until it is over.</summary>
    public void MuteFor(TimeSpan wait) => _muted = Task.Delay(wait, _gone.Token);

    public async Task Run()
    {
        var reading = ReadRequests();
        try
        {
            await foreach (var (buffer, length) in _pending.Reader.ReadAllAsync(cluster.Stopping).ConfigureAwait(false))
            {
                await _muted.WaitAsync(cluster.Stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                bool goesOn;
                try
                {
                    goesOn = !broker.IsStopped && await Handle(buffer.AsMemory(0, length)).ConfigureAwait(false);
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                }

                if (!goesOn)
                    break;
            }
        }
        catch (OperationCanceledException) when (cluster.Stopping.IsCancellationRequested)
        {
            // The cluster is stopping; whoever waits is waiting in vain.
        }
        catch (MalformedRequestException e)
        {
            cluster.Report(e);
        }
        finally
        {
            await DisposeAsync().ConfigureAwait(false);
            await reading.ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stream.DisposeAsync().ConfigureAwait(false);
        await _gone.CancelAsync().ConfigureAwait(false);
        Sasl.Dispose();
    }

    private async Task ReadRequests()
    {
        var prefix = new byte[4];
        try
        {
            while (true)
            {
                await stream.ReadExactlyAsync(prefix).ConfigureAwait(false);
                var length = BinaryPrimitives.ReadInt32BigEndian(prefix);
                if (length is < 8 or > MaxRequest)
                    break;
                var buffer = ArrayPool<byte>.Shared.Rent(length);
                await stream.ReadExactlyAsync(buffer.AsMemory(0, length)).ConfigureAwait(false);
                await _pending.Writer.WriteAsync((buffer, length), cluster.Stopping).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The client went away, which is its right, or the cluster is stopping.
        }

        _pending.Writer.Complete();
        await _gone.CancelAsync().ConfigureAwait(false);
    }

    private async Task<bool> Handle(ReadOnlyMemory<byte> frame)
    {
        using var reply = new WireWriter();
        var goesOn = await cluster.Dispatcher.Handle(this, frame, reply).ConfigureAwait(false);
        if (reply.Length > 0)
            await Send(reply).ConfigureAwait(false);
        return goesOn;
    }

    private async Task Send(WireWriter reply)
    {
        try
        {
            if (reply.Slices.Count == 0)
                await stream.WriteAsync(reply.Written).ConfigureAwait(false);
            else
                await SendWithSlices(reply).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            // The client is gone; requests it sent before are still to be handled.
        }
    }

    private async Task SendWithSlices(WireWriter reply)
    {
        var chunk = ArrayPool<byte>.Shared.Rent(StreamChunk);
        try
        {
            var sent = 0;
            foreach (var (position, slice) in reply.Slices)
            {
                await stream.WriteAsync(reply.Written[sent..position]).ConfigureAwait(false);
                sent = position;
                for (var at = 0; at < slice.Length; at += StreamChunk)
                {
                    var piece = chunk.AsMemory(0, Math.Min(StreamChunk, slice.Length - at));
                    slice.Read(at, piece.Span);
                    await stream.WriteAsync(piece).ConfigureAwait(false);
                }
            }

            await stream.WriteAsync(reply.Written[sent..]).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }
}
