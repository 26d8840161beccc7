using System.Net;
using System.Net.Sockets;
using System.Text;

namespace KafkaBackup.Engine.Health;

/// <summary>
/// Serves <c>/health</c> (200 or 503) and <c>/metrics</c> over plain HTTP while an operation runs: a few lines of HTTP/1.1 over a socket,
/// which need no rights of an administrator, as HttpListener does. One request a connection, a few connections at a time, each with a
/// limit: the next one ends the oldest that waits, so idle connections keep nobody out.
/// </summary>
public sealed class HealthEndpoint : IAsyncDisposable
{
    private const int MostConnections = 8;
    private const int LongestRequest = 8 << 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly TcpListener? _listener;
    private readonly string _bindAddress;
    private readonly OperationStatus _status;
    private readonly CancellationTokenSource _stop = new();
    private readonly Queue<Connection> _open = new();
    private readonly Task _serving;

    private HealthEndpoint(TcpListener? listener, string bindAddress, OperationStatus status)
    {
        _listener = listener;
        _bindAddress = bindAddress;
        _status = status;
        _serving = listener is null ? Task.CompletedTask : ServeAsync(listener);
    }

    /// <summary>Where it listens; null when it is off.</summary>
    public IPEndPoint? Address => _listener?.LocalEndpoint as IPEndPoint;

    /// <exception cref="KafkaBackupException">HealthEndpoint when the address cannot be listened on: call it before anything is
    /// written.</exception>
    public static HealthEndpoint Start(HealthSettings settings, OperationStatus status, IEngineEvents events)
    {
        if (!settings.Enabled)
        {
            return new HealthEndpoint(null, settings.BindAddress, status);
        }

        try
        {
            var address = IPAddress.TryParse(settings.BindAddress, out var parsed) ? parsed : Dns.GetHostAddresses(settings.BindAddress)[0];
            var listener = new TcpListener(address, settings.Port);
            listener.Start(MostConnections);
            events.Verbose($"Serving /health and /metrics on http://{listener.LocalEndpoint}.");
            return new HealthEndpoint(listener, settings.BindAddress, status);
        }
        catch (SocketException error)
        {
            throw ErrorIds.HealthEndpoint.With(
                $"The health endpoint cannot listen on {settings.BindAddress}:{settings.Port}: {error.Message}.",
                $"{settings.BindAddress}:{settings.Port}",
                inner: error
            );
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _listener?.Stop();
        await _serving.ConfigureAwait(false);
        while (_open.TryDequeue(out var connection))
        {
            await connection.DisposeAsync().ConfigureAwait(false);
        }

        _listener?.Dispose();
        _stop.Dispose();
    }

    private async Task ServeAsync(TcpListener listener)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var client = await listener.AcceptTcpClientAsync(_stop.Token).ConfigureAwait(false);
                while (_open.Count >= MostConnections || (_open.TryPeek(out var oldest) && oldest.HasEnded))
                {
                    await _open.Dequeue().DisposeAsync().ConfigureAwait(false);
                }

                _open.Enqueue(new Connection(client, AnswerAsync));
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // A connection that broke before it was taken; the next one is none the worse.
            }
        }
    }

    private async Task AnswerAsync(TcpClient client, CancellationToken cancel)
    {
        try
        {
            using (client)
            {
                var stream = client.GetStream();
                await using (stream.ConfigureAwait(false))
                {
                    var request = await ReadHeadAsync(stream, cancel).ConfigureAwait(false);
                    await stream.WriteAsync(Respond(request), cancel).ConfigureAwait(false);
                }
            }
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client has gone, or was too slow: nobody is left to answer.
            client.Dispose();
        }
    }

    private static async Task<string> ReadHeadAsync(NetworkStream stream, CancellationToken cancel)
    {
        var buffer = new byte[LongestRequest];
        var length = 0;
        while (length < buffer.Length)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length), cancel).ConfigureAwait(false);
            length += read;
            if (read == 0 || buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8) >= 0)
            {
                break;
            }
        }

        return Encoding.ASCII.GetString(buffer, 0, length);
    }

    private byte[] Respond(string request)
    {
        var words = request.Split('\r', 2)[0].Split(' ');
        if (words.Length != 3 || !words[2].StartsWith("HTTP/1.", StringComparison.Ordinal))
        {
            return Response("400 Bad Request", "text/plain", "This is not an HTTP/1.1 request.\n", withBody: true);
        }

        var withBody = words[0] != "HEAD";
        if (words[0] is not ("GET" or "HEAD"))
        {
            return Response("405 Method Not Allowed", "text/plain", "Only GET and HEAD are answered.\n", withBody);
        }

        if (!HostIsOurs(request))
        {
            return Response("421 Misdirected Request", "text/plain", "Ask for this page by its IP address or as localhost.\n", withBody);
        }

        var status = _status.Look();
        return words[1].Split('?')[0] switch
        {
            "/health" => Response(
                status.Problem is null ? "200 OK" : "503 Service Unavailable",
                "application/json",
                StatusPages.Health(status),
                withBody
            ),
            "/metrics" => Response("200 OK", "text/plain; version=0.0.4; charset=utf-8", StatusPages.Metrics(status), withBody),
            _ => Response("404 Not Found", "text/plain", "There are /health and /metrics.\n", withBody),
        };
    }

    /// <summary>
    /// An endpoint for this machine only answers to no other name: a web page whose name was made to point here (DNS rebinding) would read
    /// it through the browser of somebody who works on this machine.
    /// </summary>
    private bool HostIsOurs(string request)
    {
        var line = request.Split("\r\n").Skip(1).FirstOrDefault(header => header.StartsWith("Host:", StringComparison.OrdinalIgnoreCase));
        if (line is null || Address is not { } address || !IPAddress.IsLoopback(address.Address))
        {
            return true;
        }

        var host = line["Host:".Length..].Trim();
        return Uri.TryCreate($"http://{host}/", UriKind.Absolute, out var uri)
            && (
                uri.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6
                || uri.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
                || uri.Host.Equals(_bindAddress, StringComparison.OrdinalIgnoreCase)
            );
    }

    private static byte[] Response(string status, string type, string body, bool withBody)
    {
        var content = Encoding.UTF8.GetBytes(body);
        var head = Encoding.ASCII.GetBytes(
            $"HTTP/1.1 {status}\r\nContent-Type: {type}\r\nContent-Length: {content.Length}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
        );
        return withBody ? [.. head, .. content] : head;
    }

    /// <summary>One client, and the time that it has.</summary>
    private sealed class Connection : IAsyncDisposable
    {
        private readonly CancellationTokenSource _limit = new(Patience);
        private readonly Task _answer;

        public Connection(TcpClient client, Func<TcpClient, CancellationToken, Task> answer) => _answer = answer(client, _limit.Token);

        public bool HasEnded => _answer.IsCompleted;

        public async ValueTask DisposeAsync()
        {
            await _limit.CancelAsync().ConfigureAwait(false);
            await _answer.ConfigureAwait(false);
            _limit.Dispose();
        }
    }
}
