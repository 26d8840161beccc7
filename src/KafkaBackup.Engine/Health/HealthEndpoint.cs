using System.Net;
using System.Net.Sockets;
using System.Text;

namespace KafkaBackup.Engine.Health;

/// <summary>
/// Serves <c>/health</c> (200 or 503) and <c>/metrics</c> over plain HTTP while an operation runs: a few lines of HTTP/1.1 over a socket, which
/// need no rights of an administrator, as HttpListener does. One request a connection, a few connections at a time, each with a limit.
/// </summary>
public sealed class HealthEndpoint : IAsyncDisposable
{
    private const int MostConnections = 8;
    private const int LongestRequest = 8 << 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly TcpListener? _listener;
    private readonly OperationStatus _status;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _room = new(MostConnections);
    private readonly Task _serving;

    private HealthEndpoint(TcpListener? listener, OperationStatus status)
    {
        _listener = listener;
        _status = status;
        _serving = listener is null ? Task.CompletedTask : ServeAsync(listener);
    }

    /// <summary>Where it listens; null when it is off.</summary>
    public IPEndPoint? Address => _listener?.LocalEndpoint as IPEndPoint;

    /// <exception cref="KafkaBackupException">HealthEndpoint when the address cannot be listened on: call it before anything is written.</exception>
    public static HealthEndpoint Start(HealthSettings settings, OperationStatus status, IEngineEvents events)
    {
        if (!settings.Enabled)
        {
            return new HealthEndpoint(null, status);
        }

        try
        {
            var address = IPAddress.TryParse(settings.BindAddress, out var parsed) ? parsed : Dns.GetHostAddresses(settings.BindAddress)[0];
            var listener = new TcpListener(address, settings.Port);
            listener.Start(MostConnections);
            events.Verbose($"Serving /health and /metrics on http://{listener.LocalEndpoint}.");
            return new HealthEndpoint(listener, status);
        }
        catch (SocketException error)
        {
            throw ErrorIds.HealthEndpoint.With(
                $"The health endpoint cannot listen on {settings.BindAddress}:{settings.Port}: {error.Message}.", $"{settings.BindAddress}:{settings.Port}", inner: error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _listener?.Stop();
        await _serving.ConfigureAwait(false);
        for (var i = 0; i < MostConnections; i++)
        {
            // Each holds a place until it is answered or cut off.
            await _room.WaitAsync().ConfigureAwait(false);
        }

        _listener?.Dispose();
        _room.Dispose();
        _stop.Dispose();
    }

    private async Task ServeAsync(TcpListener listener)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _room.WaitAsync(_stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            try
            {
                var client = await listener.AcceptTcpClientAsync(_stop.Token).ConfigureAwait(false);
                _ = AnswerAsync(client);
            }
            catch (OperationCanceledException)
            {
                _room.Release();
            }
            catch (SocketException)
            {
                // A connection that broke before it was taken; the next one is none the worse.
                _room.Release();
            }
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        try
        {
            using (client)
            using (var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token))
            {
                limit.CancelAfter(Patience);
                var stream = client.GetStream();
                await using (stream.ConfigureAwait(false))
                {
                    var request = await ReadHeadAsync(stream, limit.Token).ConfigureAwait(false);
                    await stream.WriteAsync(Respond(request), limit.Token).ConfigureAwait(false);
                }
            }
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException)
        {
            // Whoever asked has gone, or asks too slowly: nobody is left to tell.
            client.Dispose();
        }
        finally
        {
            _room.Release();
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

        var status = _status.Look();
        return words[1].Split('?')[0] switch
        {
            "/health" => Response(status.Problem is null ? "200 OK" : "503 Service Unavailable", "application/json", StatusPages.Health(status), withBody),
            "/metrics" => Response("200 OK", "text/plain; version=0.0.4; charset=utf-8", StatusPages.Metrics(status), withBody),
            _ => Response("404 Not Found", "text/plain", "There are /health and /metrics.\n", withBody),
        };
    }

    private static byte[] Response(string status, string type, string body, bool withBody)
    {
        var content = Encoding.UTF8.GetBytes(body);
        var head = Encoding.ASCII.GetBytes(
            $"HTTP/1.1 {status}\r\nContent-Type: {type}\r\nContent-Length: {content.Length}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
        return withBody ? [.. head, .. content] : head;
    }
}
