using System.Globalization;
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
        if (await ReadUntil(stream, "\r\n\r\n", cancel).ConfigureAwait(false) is not { } head)
            return null;
        var lines = head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var request = lines[0].Split(' ');
        if (request.Length < 2)
            return null;
        var headers = lines
            .Skip(1)
            .Select(l => l.Split(':', 2))
            .Where(h => h.Length == 2)
            .ToDictionary(h => h[0], h => h[1].Trim(), StringComparer.OrdinalIgnoreCase);
        if (headers.ContainsKey("Expect"))
            await stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), cancel).ConfigureAwait(false);
        var body =
            headers.GetValueOrDefault("Transfer-Encoding") == "chunked"
                ? await ReadChunks(stream, cancel).ConfigureAwait(false)
                : await ReadBytes(stream, int.Parse(headers.GetValueOrDefault("Content-Length", "0"), CultureInfo.InvariantCulture), cancel)
                    .ConfigureAwait(false);

        var target = request[1].Split('?', 2);
        var query = (target.Length > 1 ? target[1] : "")
            .Split('&', StringSplitOptions.RemoveEmptyEntries)
            .Select(q => q.Split('=', 2))
            .ToDictionary(q => Uri.UnescapeDataString(q[0]), q => q.Length > 1 ? Uri.UnescapeDataString(q[1]) : "");
        return new HttpExchange(
            request[0],
            [.. target[0].Split('/', StringSplitOptions.RemoveEmptyEntries).Select(Uri.UnescapeDataString)],
            query,
            body.Length == 0 ? null : JsonNode.Parse(body)
        );
    }

    public static async Task Answer(Stream stream, int status, object? result, CancellationToken cancel)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(result, ControlPort.Json);
        var head =
            $"HTTP/1.1 {status} {(status < 400 ? "OK" : "Refused")}\r\n"
            + $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head), cancel).ConfigureAwait(false);
        await stream.WriteAsync(body, cancel).ConfigureAwait(false);
        if (stream is NetworkStream network)
            network.Socket.Shutdown(SocketShutdown.Send);
    }

    public T Field<T>(string name) =>
        Body?[name] is { } node ? node.Deserialize<T>(ControlPort.Json)! : throw new ArgumentException($"The body needs a field '{name}'.");

    public T Field<T>(string name, T otherwise) => Body?[name] is null ? otherwise : Field<T>(name);

    private static async Task<string?> ReadUntil(Stream stream, string end, CancellationToken cancel)
    {
        var text = new StringBuilder();
        var one = new byte[1];
        while (text.Length < MaxHead && await stream.ReadAsync(one, cancel).ConfigureAwait(false) == 1)
        {
            text.Append((char)one[0]);
            if (text.Length >= end.Length && text.ToString(text.Length - end.Length, end.Length) == end)
                return text.ToString(0, text.Length - end.Length);
        }

        return null;
    }

    private static async Task<byte[]> ReadBytes(Stream stream, int count, CancellationToken cancel)
    {
        var bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes, cancel).ConfigureAwait(false);
        return bytes;
    }

    private static async Task<byte[]> ReadChunks(Stream stream, CancellationToken cancel)
    {
        var body = new List<byte>();
        while (true)
        {
            var size = await ReadUntil(stream, "\r\n", cancel).ConfigureAwait(false) ?? throw new EndOfStreamException();
            var count = int.Parse(size.Split(';')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            body.AddRange(await ReadBytes(stream, count, cancel).ConfigureAwait(false));
            await ReadBytes(stream, 2, cancel).ConfigureAwait(false);
            if (count == 0)
                return [.. body];
        }
    }
}
