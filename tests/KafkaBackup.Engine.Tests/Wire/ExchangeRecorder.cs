using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace KafkaBackup.Engine.Tests.Wire;

/// <summary>
/// Stands between a client and a broker, passes everything on, and keeps the first exchange of every message and version. The broker must
/// name this listener as its own address (advertised.listeners), or only the first connection comes through here.
/// </summary>
internal sealed class ExchangeRecorder : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly IPEndPoint _broker;
    private readonly CancellationTokenSource _stop = new();
    private readonly SortedDictionary<(short Api, short Version), Exchange> _exchanges = [];
    private readonly List<Task> _connections = [];
    private readonly Task _accepting;

    public ExchangeRecorder(int port, IPEndPoint broker)
    {
        _broker = broker;
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public IReadOnlyList<Exchange> Exchanges
    {
        get
        {
            lock (_exchanges)
            {
                return [.. _exchanges.Values];
            }
        }
    }

    /// <summary>One line an exchange: api, version, request and answer, both without length and correlation id.</summary>
    public static string ToText(IEnumerable<Exchange> exchanges)
    {
        var text = new StringBuilder();
        foreach (var exchange in exchanges)
        {
            text.Append(
                System.Globalization.CultureInfo.InvariantCulture,
                $"{exchange.Api} {exchange.Version} {Convert.ToHexString(exchange.Request)} {Convert.ToHexString(exchange.Answer)}\n"
            );
        }

        return text.ToString();
    }

    public static IEnumerable<Exchange> FromText(string text) =>
        from line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        let parts = line.Split(' ')
        select new Exchange(
            short.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture),
            short.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture),
            Convert.FromHexString(parts[2]),
            Convert.FromHexString(parts[3])
        );

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                _connections.Add(RelayAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
            catch (Exception ended) when (ended is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task RelayAsync(TcpClient client)
    {
        using var broker = new TcpClient();
        using (client)
        {
            await using var stopping = _stop.Token.Register(() =>
            {
                client.Dispose();
                broker.Dispose();
            });
            try
            {
                await broker.ConnectAsync(_broker);
                var asked = new Queue<byte[]>();
                await Task.WhenAny(
                    PassAsync(
                        client.GetStream(),
                        broker.GetStream(),
                        frame =>
                        {
                            lock (asked)
                            {
                                asked.Enqueue(frame);
                            }
                        }
                    ),
                    PassAsync(
                        broker.GetStream(),
                        client.GetStream(),
                        frame =>
                        {
                            lock (asked)
                            {
                                Keep(asked.Dequeue(), frame);
                            }
                        }
                    )
                );
            }
            catch (Exception gone) when (gone is IOException or ObjectDisposedException or SocketException)
            {
                // One of the two went away.
            }
        }
    }

    private static async Task PassAsync(NetworkStream from, NetworkStream to, Action<byte[]> seen)
    {
        var prefix = new byte[4];
        while (await from.ReadAtLeastAsync(prefix, 4, throwOnEndOfStream: false) == 4)
        {
            var frame = new byte[BinaryPrimitives.ReadInt32BigEndian(prefix)];
            await from.ReadExactlyAsync(frame);
            seen(frame);
            await to.WriteAsync(prefix);
            await to.WriteAsync(frame);
        }
    }

    private void Keep(byte[] request, byte[] answer)
    {
        const int correlationEnd = 8;
        var (api, version) = (BinaryPrimitives.ReadInt16BigEndian(request), BinaryPrimitives.ReadInt16BigEndian(request.AsSpan(2)));

        // After the correlation id comes the client id, whose length is fixed in width in every version.
        var clientId = BinaryPrimitives.ReadInt16BigEndian(request.AsSpan(correlationEnd));
        var exchange = new Exchange(api, version, request[(correlationEnd + 2 + Math.Max((short)0, clientId))..], answer[4..]);
        lock (_exchanges)
        {
            // An answer with more in it shows more; one that is very large is no golden file.
            if (
                exchange.Answer.Length < 2000
                && (!_exchanges.TryGetValue((api, version), out var known) || known.Answer.Length < exchange.Answer.Length)
            )
            {
                _exchanges[(api, version)] = exchange;
            }
        }
    }
}

/// <param name="Request">From the tagged fields of the head on, where the version has any.</param>
/// <param name="Answer">The same.</param>
internal sealed record Exchange(short Api, short Version, byte[] Request, byte[] Answer);
