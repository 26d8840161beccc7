using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using KafkaBackup.LocalBroker.Apis;

namespace KafkaBackup.LocalBroker.Net;

/// <summary>One broker: a listener on the loopback interface and its connections. It keeps its port over stops.</summary>
internal sealed class BrokerNode(LocalCluster cluster, int id, int port) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<Connection, Task> _connections = [];
    private Socket? _listener;
    private Task _accepting = Task.CompletedTask;

    public int Id { get; } = id;

    public int Port { get; private set; } = port;

    public FetchSessions Sessions { get; } = new(cluster.Options.FetchSessions);

    public bool IsStopped => Volatile.Read(ref _listener) is null;

    public string Address => $"127.0.0.1:{Port}";

    public void Start()
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, Port));
        listener.Listen(512);
        Port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        Volatile.Write(ref _listener, listener);
        _accepting = Accept(listener);
    }

    /// <summary>Closes the listener and every connection, as a killed broker would.</summary>
    public async Task Stop()
    {
        Interlocked.Exchange(ref _listener, null)?.Dispose();
        await _accepting.ConfigureAwait(false);
        foreach (var connection in _connections.Keys)
            await connection.DisposeAsync().ConfigureAwait(false);
    }

    public void DropConnections(Predicate<Connection>? which = null)
    {
        foreach (var connection in _connections.Keys.Where(c => which is null || which(c)))
            _ = connection.DisposeAsync().AsTask();
    }

    public async ValueTask DisposeAsync()
    {
        await Stop().ConfigureAwait(false);
        await Task.WhenAll(_connections.Values).ConfigureAwait(false);
    }

    private async Task Accept(Socket listener)
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = await listener.AcceptAsync().ConfigureAwait(false);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                if (IsStopped)
                    return;
                continue;
            }

            socket.NoDelay = true;
            _ = Task.Run(() => Serve(socket));
        }
    }

    private async Task Serve(Socket socket)
    {
        var opened = await cluster.Tls.Open(socket, cluster.Stopping).ConfigureAwait(false);
        if (opened is not { } secured)
            return;
        var connection = new Connection(cluster, this, cluster.NextConnectionId(), secured.Stream, secured.User);
        var done = new TaskCompletionSource();
        _connections[connection] = done.Task;
        try
        {
            if (!IsStopped)
                await connection.Run().ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            cluster.Report(e);
        }
        finally
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            _connections.TryRemove(connection, out _);
            done.SetResult();
        }
    }
}
