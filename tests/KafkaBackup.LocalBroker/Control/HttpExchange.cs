using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace KafkaBackup.LocalBroker.Control;

/// <summary>One HTTP request and its JSON answer; the connection closes after it.</summary>
internal sealed record HttpExchange(string Method, IReadOnlyList<string> Path, IReadOnlyDictionary<string, string> Query, JsonNode? Body)
{
    private const int MaxHead = 16 * 1024;

    /// <summary>Null when the peer closed early or sent no HTTP.</summary>
    public static async Task<HttpExchange?> Receive(Stream stream, CancellationToken cancel)
    {
        var head = new List<byte>();
        var one = new byte[1];
        while (!EndsHead(head))
        {
            if (head.Count > MaxHead || await stream.ReadAsync(one, cancel).ConfigureAwait(false) == 0)
                return null;
            head.Add(one[0]);
        }

        var lines = Encoding.ASCII.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var request = lines[0].Split(' ');
        if (request.Length < 2)
            return null;
        var length = lines.Skip(1).Select(l => l.Split(':', 2)).Where(h => h[0].Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
            .Select(h => int.Parse(h[1], System.Globalization.CultureInfo.InvariantCulture)).FirstOrDefault();
        var body = new byte[length];
        if (lines.Any(l => l.StartsWith("Expect: 100-continue", StringComparison.OrdinalIgnoreCase)))
            await stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), cancel).ConfigureAwait(false);
        await stream.ReadExactlyAsync(body, cancel).ConfigureAwait(false);

        var target = request[1].Split('?', 2);
        var query = (target.Length > 1 ? target[1] : "").Split('&', StringSplitOptions.RemoveEmptyEntries).Select(q => q.Split('=', 2))
            .ToDictionary(q => Uri.UnescapeDataString(q[0]), q => q.Length > 1 ? Uri.UnescapeDataString(q[1]) : "");
        return new HttpExchange(
            request[0], [.. target[0].Split('/', StringSplitOptions.RemoveEmptyEntries).Select(Uri.UnescapeDataString)], query,
            length == 0 ? null : JsonNode.Parse(body));
    }

    public static async Task Answer(Stream stream, int status, object? result, CancellationToken cancel)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(result, ControlPort.Json);
        var head = $"HTTP/1.1 {status} {(status < 400 ? "OK" : "Refused")}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head), cancel).ConfigureAwait(false);
        await stream.WriteAsync(body, cancel).ConfigureAwait(false);
        if (stream is NetworkStream network)
            network.Socket.Shutdown(SocketShutdown.Send);
    }

    public T Field<T>(string name) => Body?[name] is { } node
        ? node.Deserialize<T>(ControlPort.Json)!
        : throw new ArgumentException($"The body needs a field '{name}'.");

    public T Field<T>(string name, T otherwise) => Body?[name] is null ? otherwise : Field<T>(name);

    private static bool EndsHead(List<byte> head) =>
        head.Count >= 4 && head[^1] == '\n' && head[^2] == '\r' && head[^3] == '\n' && head[^4] == '\r';
}
