using System.Net.Sockets;
using System.Security.Authentication;
using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Connections;

/// <summary>
/// What one connection has under way: requests go in at one end, a reader takes answers off the socket and hands each to the oldest
/// request. The first fault ends everything, for all who wait. Any thread may call it, but only one at a time writes.
/// </summary>
internal sealed class ConnectionCore : IAsyncDisposable
{
    /// <summary>Before a broker has shown that it is one, nothing larger is read.</summary>
    private const int MaxFirstAnswerBytes = 1 << 20;

    private readonly WireAddress _address;
    private readonly WireOptions _options;
    private readonly WireBufferPool _pool;
    private readonly WireTransport _transport;
    private readonly Queue<PendingAnswer> _pending = new();
    private readonly ITimer _watch;
    private readonly Task _reading;
    private WireException? _fault;
    private long _progress;
    private bool _isWriting;

    public ConnectionCore(WireAddress address, WireOptions options, WireBufferPool pool, WireTransport transport)
    {
        _address = address;
        _options = options;
        _pool = pool;
        _transport = transport;
        _progress = options.Clock.GetTimestamp();
        var step = TimeSpan.FromMilliseconds(Math.Clamp(options.RequestTimeout.TotalMilliseconds / 8, 10, 1000));
        _watch = options.Clock.CreateTimer(static state => ((ConnectionCore)state!).Watch(), this, step, step);
        _reading = Task.Run(ReadAnswersAsync);
    }

    public ConnectionPhase Phase { get; set; }

    /// <summary>Why the connection is of no use any more; null while it is.</summary>
    public WireException? Fault => Volatile.Read(ref _fault);

    /// <summary>Requests that wait for their answers.</summary>
    public int InFlight
    {
        get
        {
            lock (_pending)
            {
                return _pending.Count;
            }
        }
    }

    /// <summary>
    /// Sends a frame whose answer goes to <paramref name="pending"/>. What goes wrong here goes wrong for the whole connection.
    /// </summary>
    public async Task WriteAsync(PendingAnswer pending, IReadOnlyList<ReadOnlyMemory<byte>> pieces)
    {
        lock (_pending)
        {
            if (_fault is not null)
            {
                throw _fault.Again();
            }

            if (_pending.Count == 0)
            {
                _progress = _options.Clock.GetTimestamp();
            }

            _pending.Enqueue(pending);
            _isWriting = true;
        }

        try
        {
            await _transport.WriteAsync(pieces).ConfigureAwait(false);
        }
        catch (Exception broken) when (IsBroken(broken))
        {
            // The reader often learns more: an alert, or an orderly end. It gets the first word.
            _transport.Abort();
            await _reading.ConfigureAwait(false);
            pending.Observe();
            throw Fault!.Again();
        }
        finally
        {
            lock (_pending)
            {
                _isWriting = false;
            }
        }
    }

    /// <summary>The first fault counts. Every request under way fails with it.</summary>
    public void Fail(WireException fault)
    {
        PendingAnswer[] pending;
        lock (_pending)
        {
            if (_fault is not null)
            {
                return;
            }

            Volatile.Write(ref _fault, fault);
            pending = [.. _pending];
            _pending.Clear();
        }

        _transport.Abort();
        foreach (var one in pending)
        {
            one.Fail(fault);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Fail(ConnectionFaults.Closed(_address));
        await _reading.ConfigureAwait(false);
        await _watch.DisposeAsync().ConfigureAwait(false);
        await _transport.DisposeAsync().ConfigureAwait(false);
    }

    private static bool IsBroken(Exception failed) =>
        failed is IOException or SocketException or ObjectDisposedException or InvalidOperationException or AuthenticationException;

    private async Task ReadAnswersAsync()
    {
        var frames = new FrameReader(_transport, _pool, () => Volatile.Write(ref _progress, _options.Clock.GetTimestamp()));
        try
        {
            while (await ReadAnswerAsync(frames).ConfigureAwait(false) is var fault)
            {
                if (fault is not null)
                {
                    Fail(fault);
                    return;
                }
            }
        }
        catch (Exception broken) when (IsBroken(broken))
        {
            Fail(Lost(broken));
        }
    }

    /// <returns>Why no more can be read; null when one more answer was handed over.</returns>
    private async ValueTask<WireException?> ReadAnswerAsync(FrameReader frames)
    {
        if (!await frames.ReadHeadAsync().ConfigureAwait(false))
        {
            return Lost(null);
        }

        var isOpening = Phase is ConnectionPhase.Greeting or ConnectionPhase.Login;
        var most = isOpening ? Math.Min(MaxFirstAnswerBytes, _options.MaxAnswerBytes) : _options.MaxAnswerBytes;
        if (frames.Length < FrameReader.CorrelationBytes || frames.Length > most)
        {
            return ConnectionFaults.NoFrame(_address, Phase, _transport.IsTls, frames.Head, frames.Length, most);
        }

        PendingAnswer? pending;
        lock (_pending)
        {
            _pending.TryPeek(out pending);
        }

        if (pending is null || pending.CorrelationId != frames.CorrelationId)
        {
            return Phase == ConnectionPhase.Greeting
                ? ConnectionFaults.NoFrame(_address, Phase, _transport.IsTls, frames.Head, frames.Length, most)
                : ConnectionFaults.Fault(
                    WireFailure.Malformed, _address, $"The broker at {_address} answered a request that was not sent", null);
        }

        // It stays in the queue until its last byte is here, so that a broken connection fails it with the others.
        var buffer = await frames.ReadBodyAsync().ConfigureAwait(false);
        if (buffer is null)
        {
            return Lost(null);
        }

        lock (_pending)
        {
            _progress = _options.Clock.GetTimestamp();
            if (!_pending.TryDequeue(out pending))
            {
                buffer.Release();
                return _fault;
            }
        }

        pending.Complete(buffer);
        return null;
    }

    private WireException Lost(Exception? failed) => ConnectionFaults.Lost(_address, Phase, _transport, _options.Sasl is not null, failed);

    /// <summary>Only the oldest request is on the broker's desk; the others wait behind it, and their time has not begun.</summary>
    private void Watch()
    {
        WireException? late = null;
        lock (_pending)
        {
            var silent = _options.Clock.GetElapsedTime(Volatile.Read(ref _progress));
            if (_fault is null && _pending.TryPeek(out var oldest) && silent > (_isWriting ? _options.RequestTimeout : oldest.Timeout))
            {
                late = ConnectionFaults.Fault(
                    WireFailure.RequestTimedOut, _address,
                    $"The broker at {_address} did not answer a {oldest.Api} request within {silent.TotalSeconds:0.#} s", null);
            }
        }

        if (late is not null)
        {
            Fail(late);
        }
    }
}
