using System.Net;
using System.Net.Sockets;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace KafkaBackup.LocalBroker.Control;

/// <summary>HTTP and JSON on the loopback interface, so that other processes can read the request log and set faults.</summary>
internal sealed class ControlPort : IAsyncDisposable
{
    private readonly LocalCluster _cluster;
    private readonly ControlRoutes _routes;
    private readonly TcpListener _listener;
    private readonly Task _serving;

    public ControlPort(LocalCluster cluster, int port)
    {
        _cluster = cluster;
        _routes = new ControlRoutes(cluster);
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
        Address = $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";
        _serving = Task.Run(Serve);
    }

    public static JsonSerializerOptions Json { get; } =
        new(JsonSerializerDefaults.Web)
        {
            Converters = { new JsonStringEnumConverter() },
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };

    public string Address { get; }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving.ConfigureAwait(false);
    }

    private async Task Serve()
    {
        while (true)
        {
            TcpClient client;
            try
            {
                client = await _listener.AcceptTcpClientAsync(_cluster.Stopping).ConfigureAwait(false);
            }
            catch (Exception e)
                when (e is SocketException or ObjectDisposedException or OperationCanceledException or InvalidOperationException)
            {
                return;
            }

            _ = Task.Run(() => Exchange(client));
        }
    }

    private async Task Exchange(TcpClient client)
    {
        using var _ = client;
        try
        {
            var stream = client.GetStream();
            if (await HttpExchange.Receive(stream, _cluster.Stopping).ConfigureAwait(false) is not { } asked)
                return;
            var (status, result) = await Act(asked).ConfigureAwait(false);
            await HttpExchange.Answer(stream, status, result, _cluster.Stopping).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The caller went away, or the cluster is stopping.
        }
        catch (JsonException e)
        {
            await HttpExchange.Answer(client.GetStream(), 400, new { error = e.Message }, _cluster.Stopping).ConfigureAwait(false);
        }
    }

    private async Task<(int Status, object? Result)> Act(HttpExchange asked)
    {
        try
        {
            return await _routes.Act(asked).ConfigureAwait(false) is { } result
                ? (200, result)
                : (404, new { error = $"There is nothing at {asked.Method} /{string.Join('/', asked.Path)}." });
        }
        catch (Exception e) when (e is ArgumentException or FormatException or JsonException)
        {
            return (400, new { error = e.Message });
        }
    }
}
