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
    private readonly CancellationTokenSource _ended = new();
    private readonly ITimer _watch;
    private readonly Task _reading;
    private WireException? _fault;
    private long _progress;
    private long _writingSince;
    private bool _isWriting;

    public ConnectionCore(WireAddress address, WireOptions options, WireBufferPool pool, WireTransport transport)
    {
        _address = address;
        _options = options;
        _pool = pool;
        _transport = transport;
        _progress = options.Clock.GetTimestamp();
        Ended = _ended.Token;
        var step = TimeSpan.FromMilliseconds(Math.Clamp(options.RequestTimeout.TotalMilliseconds / 8, 10, 1000));
        _watch = options.Clock.CreateTimer(static state => ((ConnectionCore)state!).Watch(), this, step, step);
        _reading = Task.Run(ReadAnswersAsync);
    }

    public ConnectionPhase Phase { get; set; }

    /// <summary>Why the connection is of no use any more; null while it is.</summary>
    public WireException? Fault => Volatile.Read(ref _fault);

    /// <summary>Cancelled together with the first fault, for whatever waits before it writes.</summary>
    public CancellationToken Ended { get; }

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
            _writingSince = _options.Clock.GetTimestamp();
            _isWriting = true;
        }

        try
        {
            await _transport.WriteAsync(pieces).ConfigureAwait(false);
        }
        catch (Exception)
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
                if (_pending.TryPeek(out var oldest) && oldest == pending)
                {
                    _progress = _options.Clock.GetTimestamp();
                }
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

        _ended.Cancel();
    }

    public async ValueTask DisposeAsync()
    {
        Fail(ConnectionFaults.Closed(_address));
        await _reading.ConfigureAwait(false);
        await _watch.DisposeAsync().ConfigureAwait(false);
        await _transport.DisposeAsync().ConfigureAwait(false);
        _ended.Dispose();
    }

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
        catch (Exception broken)
        {
            // Whatever it was: without a reader, those who wait would wait for ever.
            Fail(Lost(broken));
        }
    }

    /// <returns>Why no more can be read; null when one more answer was handed over.</returns>
    private async ValueTask<WireException?> ReadAnswerAsync(FrameReader frames)
    {
        // A frame with a length that is wrong may be all that ever comes.
        if (!await frames.FillAsync(FrameReader.LengthBytes).ConfigureAwait(false))
        {
            return Lost(null);
        }

        PendingAnswer? pending;
        lock (_pending)
        {
            _pending.TryPeek(out pending);
        }

        // During a login of a connection that works, larger answers are still under way.
        var most = pending is { IsOpening: false } ? _options.MaxAnswerBytes : Math.Min(MaxFirstAnswerBytes, _options.MaxAnswerBytes);
        if (frames.Length < FrameReader.CorrelationBytes || frames.Length > most)
        {
            return ConnectionFaults.NoFrame(_address, Phase, _transport.IsTls, frames.Head, frames.Length, most);
        }

        if (!await frames.FillAsync(FrameReader.HeadBytes).ConfigureAwait(false))
        {
            return Lost(null);
        }

        if (pending is null || pending.CorrelationId != frames.CorrelationId)
        {
            return Phase == ConnectionPhase.Greeting
                ? ConnectionFaults.NoFrame(_address, Phase, _transport.IsTls, frames.Head, frames.Length, most)
                : ConnectionFaults.Fault(
                    WireFailure.Malformed,
                    _address,
                    $"The broker at {_address} answered a request that was not sent",
                    null
                );
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
            if (_fault is not null)
            {
                return;
            }

            var silent = _options.Clock.GetElapsedTime(Volatile.Read(ref _progress));
            var stuck = _isWriting ? _options.Clock.GetElapsedTime(_writingSince) : TimeSpan.Zero;
            if (stuck > _options.RequestTimeout)
            {
                late = ConnectionFaults.Fault(
                    WireFailure.RequestTimedOut,
                    _address,
                    $"The broker at {_address} did not take a request within {stuck.TotalSeconds:0.#} s",
                    null
                );
            }
            else if (_pending.TryPeek(out var oldest) && silent > oldest.Timeout)
            {
                late = ConnectionFaults.Fault(
                    WireFailure.RequestTimedOut,
                    _address,
                    $"The broker at {_address} did not answer a {oldest.Api} request within {silent.TotalSeconds:0.#} s",
                    null
                );
            }
        }

        if (late is not null)
        {
            Fail(late);
        }
    }
}
