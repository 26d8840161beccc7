using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using KafkaBackup.Engine.Wire;

namespace KafkaBackup.Engine.Tests.Wire;

/// <summary>A listener that answers what a test tells it to, byte by byte: what no decent broker sends.</summary>
internal sealed class ScriptedBroker : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Any, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _serving = [];
    private readonly Func<NetworkStream, Task> _serve;
    private readonly Task _accepting;

    private ScriptedBroker(Func<NetworkStream, Task> serve)
    {
        _serve = serve;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public string Address => $"127.0.0.1:{Port}";

    public int Connections => _serving.Count;

    /// <summary>Serves each connection as a stream.</summary>
    public static ScriptedBroker Raw(Func<NetworkStream, Task> serve) => new(serve);

    /// <summary>
    /// Says which versions it knows, and answers every later request with what the script returns: a whole frame, or null to hang up.
    /// </summary>
    public static ScriptedBroker Answering(Func<ScriptedRequest, byte[]?> script) =>
        new(async stream =>
        {
            while (await ReadRequestAsync(stream) is { } request)
            {
                var answer = request.Api == ApiKey.ApiVersions ? Versions(request) : script(request);
                if (answer is null)
                {
                    return;
                }

                await stream.WriteAsync(answer);
            }
        });

    public static async Task<ScriptedRequest?> ReadRequestAsync(Stream stream)
    {
        var prefix = new byte[4];
        if (await stream.ReadAtLeastAsync(prefix, 4, throwOnEndOfStream: false) < 4)
        {
            return null;
        }

        var frame = new byte[BinaryPrimitives.ReadInt32BigEndian(prefix)];
        await stream.ReadExactlyAsync(frame);
        return new ScriptedRequest(
            (ApiKey)BinaryPrimitives.ReadInt16BigEndian(frame),
            BinaryPrimitives.ReadInt16BigEndian(frame.AsSpan(2)),
            BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(4)),
            frame
        );
    }

    public static byte[] Frame(int correlationId, params byte[] rest)
    {
        var frame = new byte[8 + rest.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, 4 + rest.Length);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), correlationId);
        rest.CopyTo(frame, 8);
        return frame;
    }

    /// <summary>An answer by Kafka's own schema, with the head that its version has.</summary>
    public static byte[] Answer(ScriptedRequest request, Dictionary<string, object?> values)
    {
        var message = MessageSchemas.All.Single(m => m.Api.Key == request.Api);
        var flexible = message.IsFlexible(request.Version);
        var body = Schema.Encode(message.Response, values, request.Version, flexible);
        return Frame(request.CorrelationId, flexible && request.Api != ApiKey.ApiVersions ? [0, .. body] : body);
    }

    /// <summary>Metadata without anything in it.</summary>
    public static byte[] NoBrokers(ScriptedRequest request, int throttleMs = 0, string clusterId = "c") =>
        Answer(
            request,
            new()
            {
                ["ThrottleTime"] = (long)throttleMs,
                ["Brokers"] = new List<object?>(),
                ["ClusterId"] = clusterId,
                ["ControllerId"] = 1L,
                ["Topics"] = new List<object?>(),
            }
        );

    public static byte[] Handshake(ScriptedRequest request) =>
        Answer(
            request,
            new()
            {
                ["Error"] = 0L,
                ["Mechanisms"] = new List<object?> { "PLAIN" },
            }
        );

    public static byte[] LoggedIn(ScriptedRequest request, long lifetimeMs) =>
        Answer(
            request,
            new()
            {
                ["Error"] = 0L,
                ["Message"] = null,
                ["Token"] = Array.Empty<byte>(),
                ["SessionLifetimeMs"] = lifetimeMs,
            }
        );

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_serving);
        _stop.Dispose();
    }

    public static byte[] Versions(ScriptedRequest request) =>
        Answer(
            request,
            new()
            {
                ["Error"] = 0L,
                ["Apis"] = MessageSchemas
                    .All.Select(m =>
                        (object?)
                            new Dictionary<string, object?>
                            {
                                ["Key"] = (long)m.Api.Key,
                                ["Min"] = (long)m.Api.MinVersion,
                                ["Max"] = (long)m.Api.MaxVersion,
                            }
                    )
                    .ToList(),
                ["ThrottleTime"] = 0L,
            }
        );

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                _serving.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
            catch (Exception ended) when (ended is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        await Task.Yield();
        using (client)
        {
            await using var stopping = _stop.Token.Register(client.Dispose);
            try
            {
                await _serve(client.GetStream());
            }
            catch (Exception gone) when (gone is IOException or ObjectDisposedException or SocketException or OperationCanceledException)
            {
                // The client went away, which the test wanted.
            }
        }
    }
}

internal sealed record ScriptedRequest(ApiKey Api, short Version, int CorrelationId, byte[] Frame);
