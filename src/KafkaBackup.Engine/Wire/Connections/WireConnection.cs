using KafkaBackup.Engine.Wire.Messages;
using KafkaBackup.Engine.Wire.Primitives;
using KafkaBackup.Engine.Wire.Security;

namespace KafkaBackup.Engine.Wire.Connections;

/// <summary>
/// One connection to one broker. Requests are sent in the order in which <see cref="SendAsync"/> was called and may be under way at the
/// same time; the broker answers them in that order. A connection that failed once stays failed: its owner makes a new one. Any thread may
/// call it.
/// </summary>
internal sealed class WireConnection : IAsyncDisposable
{
    private readonly WireOptions _options;
    private readonly ConnectionCore _core;
    private readonly SemaphoreSlim _sending = new(1);
    private readonly List<ReadOnlyMemory<byte>> _pieces = [];
    private ApiRanges _versions;
    private int _correlation;
    private long _throttledUntil;
    private long _loginAgainAt = long.MaxValue;

    private WireConnection(WireAddress address, int broker, WireOptions options, WireBufferPool pool, WireTransport transport)
    {
        Address = address;
        Broker = broker;
        _options = options;
        _versions = new ApiRanges(address, []);
        _core = new ConnectionCore(address, options, pool, transport);
    }

    public WireAddress Address { get; }

    /// <summary>-1 for a bootstrap connection.</summary>
    public int Broker { get; }

    public ApiRanges Versions => Volatile.Read(ref _versions);

    /// <summary>Why the connection is of no use any more; null while it is.</summary>
    public WireException? Fault => _core.Fault;

    /// <summary>Whether a request was answered, apart from those that opened the connection.</summary>
    public bool HasAnswered => _core.Phase == ConnectionPhase.Working;

    /// <summary>Requests that wait for their answers.</summary>
    public int InFlight => _core.InFlight;

    private long Now => _options.Clock.GetTimestamp();

    /// <summary>Connects, agrees on versions and logs in.</summary>
    /// <param name="broker">The broker's id, -1 when it is not known.</param>
    public static async Task<WireConnection> OpenAsync(
        WireAddress address,
        int broker,
        WireOptions options,
        WireBufferPool pool,
        TlsMaterial? tls,
        CancellationToken cancel
    )
    {
        using var late = new CancellationTokenSource(options.ConnectTimeout, options.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, late.Token);
        var slow = tls is null ? "cannot be reached: it did not accept a connection" : "did not complete a connection with TLS";
        try
        {
            var transport = await WireTransport.OpenAsync(address, options, tls, either.Token).ConfigureAwait(false);
            slow = "accepted a connection, but did not answer";
            var connection = new WireConnection(address, broker, options, pool, transport);
            try
            {
                await connection.GreetAsync(either.Token).ConfigureAwait(false);
                if (options.Sasl is { } login)
                {
                    await connection.LogInAsync(login, either.Token).ConfigureAwait(false);
                }

                connection._core.Phase = ConnectionPhase.Untried;
                return connection;
            }
            catch
            {
                await connection.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw ConnectionFaults.TooSlow(address, slow, options.ConnectTimeout);
        }
    }

    /// <summary>
    /// Sends a request and gives its answer. Memory that the request refers to is not touched after this has ended, however it ends. A
    /// request that is cancelled after it was sent is carried out all the same.
    /// </summary>
    /// <exception cref="WireException">The connection failed, the broker did not answer in time, or its answer cannot be read. Kafka's
    /// error codes are in the answers.</exception>
    public async Task<TAnswer> SendAsync<TAnswer>(WireRequest<TAnswer> request, CancellationToken cancel)
        where TAnswer : IWireAnswer
    {
        var version = Versions.Choose(request);
        PendingAnswer pending;
        await _sending.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            await KeepThrottleAsync(cancel).ConfigureAwait(false);
            if (_options.Sasl is { } login && Now >= _loginAgainAt)
            {
                await LogInAgainAsync(login, cancel).ConfigureAwait(false);
            }

            pending = await WriteAsync(request, version).ConfigureAwait(false);
        }
        finally
        {
            _sending.Release();
        }

        return await AnswerAsync(request, version, pending, cancel).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => _core.DisposeAsync();

    private async Task GreetAsync(CancellationToken cancel)
    {
        var greeting = new ApiVersionsRequest(_options.SoftwareName, _options.SoftwareVersion);
        var answer = await AskDirectlyAsync(greeting, ApiVersionsRequest.Definition.MaxVersion, cancel).ConfigureAwait(false);
        if (answer.Error == WireErrorCode.UnsupportedVersion)
        {
            // Brokers before 2.4; the answer came in the oldest form.
            answer = await AskDirectlyAsync(greeting, 0, cancel).ConfigureAwait(false);
        }

        if (answer.Error != WireErrorCode.None)
        {
            throw WireException.Refused(
                answer.Error,
                $"The broker at {Address} refused to say which versions it knows",
                address: Address.ToString()
            );
        }

        Volatile.Write(ref _versions, new ApiRanges(Address, answer.Apis));
    }

    private async Task LogInAsync(SaslLogin login, CancellationToken cancel)
    {
        _core.Phase = ConnectionPhase.Login;
        var lifetime = await SaslDialogue.RunAsync(login, Address, Versions, new Dialogue(this), cancel).ConfigureAwait(false);

        // Somewhere before the end of the session: all connections at the same moment would be a burst.
        _loginAgainAt =
            lifetime > TimeSpan.Zero
                ? Now + (long)(lifetime.TotalSeconds * (0.80 + (0.10 * Random.Shared.NextDouble())) * _options.Clock.TimestampFrequency)
                : long.MaxValue;
    }

    private async Task LogInAgainAsync(SaslLogin login, CancellationToken cancel)
    {
        var phase = _core.Phase;
        try
        {
            await LogInAsync(login, cancel).ConfigureAwait(false);
            _core.Phase = phase;
        }
        catch (WireException refused)
        {
            _core.Fail(refused);
            throw;
        }
        catch (Exception)
        {
            // Half a login cannot be continued by the next request.
            _core.Fail(
                ConnectionFaults.Fault(
                    WireFailure.ConnectionLost,
                    Address,
                    $"The connection to the broker at {Address} was given up in the middle of a login",
                    null
                )
            );
            throw;
        }
    }

    /// <summary>A request outside of the agreed versions, or inside a login: the caller is the only sender.</summary>
    private async Task<TAnswer> AskDirectlyAsync<TAnswer>(WireRequest<TAnswer> request, short version, CancellationToken cancel)
        where TAnswer : IWireAnswer
    {
        var pending = await WriteAsync(request, version).ConfigureAwait(false);
        return await AnswerAsync(request, version, pending, cancel).ConfigureAwait(false);
    }

    private async Task KeepThrottleAsync(CancellationToken cancel)
    {
        while (Volatile.Read(ref _throttledUntil) is var until && until > 0 && Now < until && Fault is null)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, _core.Ended);

            // A connection that has ended owes the broker no pause; the write says why it ended.
            await Task.Delay(_options.Clock.GetElapsedTime(Now, until) + TimeSpan.FromMilliseconds(1), _options.Clock, either.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancel.ThrowIfCancellationRequested();
        }
    }

    /// <summary>The caller is the only sender.</summary>
    private async Task<PendingAnswer> WriteAsync<TAnswer>(WireRequest<TAnswer> request, short version)
        where TAnswer : IWireAnswer
    {
        var api = request.Api;
        var tagged = version >= api.FlexibleFrom && api.Key != ApiKey.ApiVersions;
        var pending = new PendingAnswer(
            unchecked(++_correlation),
            api.Key,
            tagged,
            request.BrokerWaits + (request.AnswerWithin ?? _options.RequestTimeout)
        );
        using var writer = new WireWriter();
        writer.BeginFrame(api, version, pending.CorrelationId, _options.ClientId);
        request.Write(writer);
        writer.EndFrame();
        _pieces.Clear();
        writer.CopyPieces(_pieces);
        await _core.WriteAsync(pending, _pieces).ConfigureAwait(false);
        return pending;
    }

    private async Task<TAnswer> AnswerAsync<TAnswer>(
        WireRequest<TAnswer> request,
        short version,
        PendingAnswer pending,
        CancellationToken cancel
    )
        where TAnswer : IWireAnswer
    {
        var buffer = await pending.WaitAsync(cancel).ConfigureAwait(false);
        TAnswer answer;
        try
        {
            answer = Parse(request, version, pending, buffer);
        }
        catch (WireException unreadable)
        {
            // Whoever sends one such answer is not to be believed again.
            var fault = new WireException(unreadable.Kind, $"{unreadable.Message.TrimEnd('.')}; it came from the broker at {Address}.")
            {
                Address = Address.ToString(),
            };
            _core.Fail(fault);
            throw fault;
        }
        finally
        {
            buffer.Release();
        }

        if (_core.Phase == ConnectionPhase.Untried)
        {
            _core.Phase = ConnectionPhase.Working;
        }

        NoteThrottle(request.Api, version, answer.ThrottleTime);
        return answer;
    }

    private static TAnswer Parse<TAnswer>(WireRequest<TAnswer> request, short version, PendingAnswer pending, AnswerBuffer buffer)
        where TAnswer : IWireAnswer
    {
        // A broker that does not know the version of ApiVersions answers in version 0.
        var actual = version;
        if (pending.Api == ApiKey.ApiVersions && buffer.Memory.Span is [0, (byte)WireErrorCode.UnsupportedVersion, ..])
        {
            actual = 0;
        }

        var reader = new WireReader(buffer.Memory, pending.Api.ToString(), actual, actual >= request.Api.FlexibleFrom, buffer);
        if (pending.TaggedHeader)
        {
            reader.SkipTags();
        }

        var answer = request.Read(ref reader);
        if (reader.Remaining > 0)
        {
            (answer as IDisposable)?.Dispose();
            throw reader.Damaged("its end", $"{reader.Remaining} bytes are left over");
        }

        return answer;
    }

    private void NoteThrottle(WireApi api, short version, TimeSpan time)
    {
        if (time <= TimeSpan.Zero)
        {
            return;
        }

        var waits = version >= api.ClientWaitsFrom;
        if (waits)
        {
            var until = Now + (long)(time.TotalSeconds * _options.Clock.TimestampFrequency);
            for (var known = Volatile.Read(ref _throttledUntil); known < until;)
            {
                var before = Interlocked.CompareExchange(ref _throttledUntil, until, known);
                if (before == known)
                {
                    break;
                }

                known = before;
            }
        }

        _options.Throttled?.Invoke(new WireThrottle(Broker, Address.ToString(), api.Key, time, waits));
    }

    /// <summary>Lets a login ask without waiting for the turn that it already has.</summary>
    private sealed class Dialogue(WireConnection connection) : ISaslChannel
    {
        public Task<SaslHandshakeResponse> AskAsync(SaslHandshakeRequest request, CancellationToken cancel) =>
            connection.AskDirectlyAsync(request, connection.Versions.Choose(request), cancel);

        public Task<SaslAuthenticateResponse> AskAsync(SaslAuthenticateRequest request, CancellationToken cancel) =>
            connection.AskDirectlyAsync(request, connection.Versions.Choose(request), cancel);
    }
}
