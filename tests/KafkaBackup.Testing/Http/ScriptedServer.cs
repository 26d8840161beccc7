using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using KafkaBackup.Testing.S3;

namespace KafkaBackup.Testing.Http;

/// <summary>
/// An HTTP server on a loopback port for what a good object store never does. Rules look at each request and may answer it, or cut the
/// line; what no rule takes is answered by a small store in memory, so that a client that copes gets on. It checks no signatures; real
/// servers do that in the other tests.
/// </summary>
public abstract class ScriptedServer : IAsyncDisposable
{
    private const byte TlsHandshake = 0x16;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<ScriptedRequest> _requests = new();
    private readonly List<Rule> _rules = [];
    private readonly ConcurrentDictionary<Task, bool> _connections = new();
    private readonly Task _accepting;
    private int _inWork;
    private int _mostInWork;

    protected ScriptedServer()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public string Endpoint => $"http://127.0.0.1:{Port}";

    public IReadOnlyList<ScriptedRequest> Requests => [.. _requests];

    /// <summary>The most part uploads that were under way at once.</summary>
    public int MostPartsInWork => _mostInWork;

    /// <summary>What the Date header tells; null leaves it out.</summary>
    public Func<DateTimeOffset?> Date { get; set; } = () => DateTimeOffset.UtcNow;

    /// <summary>Answers matching requests, the first so many times (default: always). Rules that were added later come first.</summary>
    public void On(Func<ScriptedRequest, bool> matches, ScriptedAnswer answer, int times = int.MaxValue, bool afterTheWork = false) =>
        Add(new Rule(matches, _ => answer, afterTheWork) { Left = times, ResetAfter = afterTheWork ? null : answer.ResetAfter });

    /// <param name="afterTheWork">The request does its work in the store first; only its answer is replaced.</param>
    public void On(
        Func<ScriptedRequest, bool> matches,
        Func<ScriptedRequest, ScriptedAnswer> answer,
        int times = int.MaxValue,
        bool afterTheWork = false
    ) => Add(new Rule(matches, answer, afterTheWork) { Left = times });

    /// <summary>What a good server would do.</summary>
    protected abstract ScriptedAnswer AnswerWell(ScriptedRequest request);

    /// <summary>A header that all answers of this kind of server have.</summary>
    protected abstract string RequestIdHeader { get; }

    /// <summary>Whether the request is one of several of a large object's.</summary>
    protected abstract bool IsPart(ScriptedRequest request);

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections.Keys);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_stop.Token);
                var serving = Task.Run(() => ServeAsync(client));
                _connections[serving] = true;
                _ = serving.ContinueWith(t => _connections.TryRemove(t, out _), TaskScheduler.Default);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // Stopped.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using var client = socket;
        await using var stream = new NetworkStream(client);
        try
        {
            while (await ReadHeadAsync(stream) is { } head && await AnswerAsync(client, stream, head)) { }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The client left, or the test is over.
        }
    }

    /// <returns>True while the connection is good for another request.</returns>
    private async Task<bool> AnswerAsync(Socket client, NetworkStream stream, ScriptedRequest head)
    {
        var length = int.Parse(head.Header("content-length") ?? "0", CultureInfo.InvariantCulture);
        var rule = Take(head);
        if (rule is { ResetAfter: { } bytes })
        {
            await ReadBodyAsync(stream, Math.Min(bytes, length));
            _requests.Enqueue(head);
            return Reset(client);
        }

        var answer = await WorkAsync(stream, head, length, rule);
        return answer.ResetAfter is null ? await WriteAsync(stream, head, answer) : Reset(client);
    }

    /// <summary>A part's work ends before its answer leaves: the client may send the next one as soon as it has that.</summary>
    private async Task<ScriptedAnswer> WorkAsync(NetworkStream stream, ScriptedRequest head, int length, Rule? rule)
    {
        if (IsPart(head))
        {
            InterlockedMax(ref _mostInWork, Interlocked.Increment(ref _inWork));
        }

        try
        {
            var request = head with { Body = await ReadBodyAsync(stream, length) };
            _requests.Enqueue(request);
            if (rule is { AfterTheWork: true })
            {
                AnswerWell(request);
            }

            var answer = rule is null ? AnswerWell(request) : rule.Answer(request);
            if (answer.ResetAfter is null && answer.Delay > TimeSpan.Zero)
            {
                await Task.Delay(answer.Delay, _stop.Token);
            }

            return answer;
        }
        finally
        {
            if (IsPart(head))
            {
                Interlocked.Decrement(ref _inWork);
            }
        }
    }

    private void Add(Rule rule)
    {
        lock (_rules)
        {
            _rules.Insert(0, rule);
        }
    }

    private Rule? Take(ScriptedRequest request)
    {
        lock (_rules)
        {
            var rule = _rules.Find(r => r.Left > 0 && r.Matches(request));
            if (rule is not null)
            {
                rule.Left--;
            }

            return rule;
        }
    }

    private static bool Reset(Socket client)
    {
        client.LingerState = new LingerOption(true, 0);
        client.Close();
        return false;
    }

    private async Task<bool> WriteAsync(NetworkStream stream, ScriptedRequest request, ScriptedAnswer answer)
    {
        var head = new StringBuilder().Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {answer.Status} Scripted\r\n");
        foreach (var (name, value) in answer.Headers)
        {
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        }

        if (!answer.Headers.Any(h => h.Name == "Content-Length") && answer.Status != 204)
        {
            head.Append(CultureInfo.InvariantCulture, $"Content-Length: {answer.Body.Length}\r\n");
        }

        if (Date() is { } date)
        {
            head.Append(CultureInfo.InvariantCulture, $"Date: {date.UtcDateTime:R}\r\n");
        }

        if (!answer.Headers.Any(h => h.Name == "Content-Type" && h.Value == "text/html"))
        {
            head.Append(CultureInfo.InvariantCulture, $"{RequestIdHeader}: scripted\r\n");
        }

        head.Append("\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head.ToString()), _stop.Token);
        if (request.Method != "HEAD")
        {
            await stream.WriteAsync(answer.Body.AsMemory(0, answer.CutAt ?? answer.Body.Length), _stop.Token);
        }

        await stream.FlushAsync(_stop.Token);
        return answer.CutAt is null;
    }

    private async Task<ScriptedRequest?> ReadHeadAsync(NetworkStream stream)
    {
        var bytes = new List<byte>();
        var one = new byte[1];
        while (bytes.Count < 4 || !(bytes[^4] == '\r' && bytes[^3] == '\n' && bytes[^2] == '\r' && bytes[^1] == '\n'))
        {
            if (await stream.ReadAsync(one, _stop.Token) == 0)
            {
                return null;
            }

            if (bytes.Count == 0 && one[0] == TlsHandshake)
            {
                await stream.WriteAsync("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"u8.ToArray(), _stop.Token);
                return null;
            }

            bytes.Add(one[0]);
        }

        var lines = Encoding.UTF8.GetString([.. bytes]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var target = lines[0].Split(' ')[1].Split('?', 2);
        var query = new Dictionary<string, string>();
        foreach (var pair in target.Length == 2 ? target[1].Split('&', StringSplitOptions.RemoveEmptyEntries) : [])
        {
            var parts = pair.Split('=', 2);
            query[Uri.UnescapeDataString(parts[0])] = parts.Length == 2 ? Uri.UnescapeDataString(parts[1]) : "";
        }

        var headers = lines
            .Skip(1)
            .Select(l => l.Split(':', 2))
            .ToDictionary(p => p[0].Trim(), p => p[1].Trim(), StringComparer.OrdinalIgnoreCase);
        return new ScriptedRequest(lines[0].Split(' ')[0], Uri.UnescapeDataString(target[0]), query, headers);
    }

    private async Task<byte[]> ReadBodyAsync(NetworkStream stream, int length)
    {
        var body = new byte[length];
        await stream.ReadExactlyAsync(body, _stop.Token);
        return body;
    }

    private static void InterlockedMax(ref int place, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref place)) < value && Interlocked.CompareExchange(ref place, value, seen) != seen) { }
    }

    private sealed record Rule(Func<ScriptedRequest, bool> Matches, Func<ScriptedRequest, ScriptedAnswer> Answer, bool AfterTheWork)
    {
        public int Left { get; set; }

        /// <summary>Known before the body is read.</summary>
        public int? ResetAfter { get; init; }
    }
}
