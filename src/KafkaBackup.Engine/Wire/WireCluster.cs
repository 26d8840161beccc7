using System.Collections.Concurrent;
using KafkaBackup.Engine.Wire.Connections;
using KafkaBackup.Engine.Wire.Messages;
using KafkaBackup.Engine.Wire.Primitives;
using KafkaBackup.Engine.Wire.Security;

namespace KafkaBackup.Engine.Wire;

/// <summary>
/// A Kafka cluster: its brokers, who leads what, and connections to them. Each broker has one connection for everything that is small and
/// <see cref="WireOptions.DataConnections"/> for records. Connections are made when they are needed. Any thread may call it.
/// </summary>
internal sealed class WireCluster : IAsyncDisposable
{
    /// <summary>The lane for everything but records.</summary>
    public const int Control = 0;

    private readonly WireOptions _options;
    private readonly MetadataCache _metadata;
    private readonly MetadataRefresh _refresh;
    private readonly Coordinators _coordinators;
    private readonly ConcurrentDictionary<(WireAddress Address, int Lane), ConnectionSlot> _slots = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly TlsMaterial? _tls;
    private readonly object _gate = new();
    private WireAddress? _lastGood;
    private bool _closed;

    private WireAddress? LastGood
    {
        get
        {
            lock (_gate)
            {
                return _lastGood;
            }
        }
        set
        {
            lock (_gate)
            {
                _lastGood = value;
            }
        }
    }

    /// <exception cref="WireException">A certificate or key file cannot be read.</exception>
    public WireCluster(WireOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfZero(options.Bootstrap.Count);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.DataConnections, 1);
        _options = options;
        Buffers = options.Buffers ?? new WireBufferPool();
        _tls = options.Tls is null ? null : new TlsMaterial(options.Tls);
        _metadata = new MetadataCache(options.Clock, options.MetadataMaxAge);
        _refresh = new MetadataRefresh(options, _metadata, AskAnyAsync);
        _coordinators = new Coordinators(this, options);
    }

    public WireBufferPool Buffers { get; }

    public WireOptions Options => _options;

    /// <summary>What metadata said last of the brokers; empty before the first answer.</summary>
    public IReadOnlyCollection<MetadataBroker> Brokers => _metadata.Brokers;

    public string? ClusterId => _metadata.ClusterId;

    /// <summary>
    /// Asks one broker after the other who the brokers are. With no broker known yet, each bootstrap address gets one try: what is refused
    /// is an error at once.
    /// </summary>
    public async Task<IReadOnlyCollection<MetadataBroker>> ConnectAsync(CancellationToken cancel)
    {
        await TopicsAsync([], cancel).ConfigureAwait(false);
        return Brokers;
    }

    /// <summary>The metadata of these topics, or of all that the user may see, asked for now.</summary>
    public async Task<IReadOnlyList<MetadataTopic>> TopicsAsync(IReadOnlyCollection<string>? names, CancellationToken cancel)
    {
        var answer = await AskAnyAsync(new MetadataRequest { Topics = names }, cancel).ConfigureAwait(false);
        _metadata.Update(answer);
        return answer.Topics;
    }

    /// <summary>Who leads a partition: from memory, or asked once. Waiting for an election is the caller's.</summary>
    public async ValueTask<PartitionLeader> LeaderAsync(string topic, int partition, CancellationToken cancel)
    {
        if (_metadata.TryGetLeader(topic, partition, out var leader))
        {
            return leader;
        }

        await _refresh.RefreshAsync([topic], _closing.Token, cancel).ConfigureAwait(false);
        return _metadata.LeaderOf(topic, partition);
    }

    /// <summary>Asks again for these topics, together with what others ask for at the same time.</summary>
    public Task RefreshAsync(IEnumerable<string> topics, CancellationToken cancel) => _refresh.RefreshAsync(topics, _closing.Token, cancel);

    /// <summary>
    /// Takes note of an error in an answer: when it means that the leader is another one, the next <see cref="LeaderAsync"/> asks.
    /// </summary>
    /// <param name="leader">The new leader, where the answer names it; it is believed at once.</param>
    public void NoteError(
        string topic,
        int partition,
        WireErrorCode code,
        LeaderEpoch? leader = null,
        IEnumerable<FetchEndpoint>? endpoints = null
    )
    {
        if (leader is { } named && _metadata.NoteLeader(topic, partition, named, endpoints ?? []))
        {
            return;
        }

        if (code == WireErrorCode.UnknownLeaderEpoch)
        {
            _metadata.Doubt(topic);
        }
        else if (code.NeedsMetadata())
        {
            _metadata.Invalidate(topic);
        }
    }

    /// <summary>A connection to a broker broke: what it led may have moved.</summary>
    public void NoteLost(IEnumerable<string> topics)
    {
        foreach (var topic in topics)
        {
            _metadata.Invalidate(topic);
        }
    }

    /// <summary>Asks one broker, once.</summary>
    /// <param name="lane"><see cref="Control"/>, or 1 to <see cref="WireOptions.DataConnections"/>.</param>
    public async Task<TAnswer> AskAsync<TAnswer>(int broker, int lane, WireRequest<TAnswer> request, CancellationToken cancel)
        where TAnswer : IWireAnswer
    {
        var slot = await SlotAsync(broker, lane, cancel).ConfigureAwait(false);
        return await AskAsync(slot, request, cancel).ConfigureAwait(false);
    }

    /// <summary>The connection itself, for somebody who sends many requests over one.</summary>
    public async ValueTask<WireConnection> ConnectionAsync(int broker, int lane, CancellationToken cancel)
    {
        var slot = await SlotAsync(broker, lane, cancel).ConfigureAwait(false);
        return await slot.GetAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>
    /// Asks whichever broker answers. Faults of connections are tried elsewhere and again, up to <see cref="WireOptions.RetryTimeout"/>,
    /// once any broker has answered; before that each address gets one try. A login or certificate that is refused everywhere is an error
    /// at once.
    /// </summary>
    public async Task<TAnswer> AskAnyAsync<TAnswer>(WireRequest<TAnswer> request, CancellationToken cancel)
        where TAnswer : IWireAnswer
    {
        var began = _options.Clock.GetTimestamp();
        for (var round = 1; ; round++)
        {
            var known = LastGood is not null;
            var faults = new List<WireException>();
            var candidates = Candidates();
            foreach (var address in candidates)
            {
                try
                {
                    var answer =
                        address == candidates[^1]
                            ? await AskAsync(Slot(address, Control, -1), request, cancel).ConfigureAwait(false)
                            : await AskSoonAsync(address, request, cancel).ConfigureAwait(false);
                    LastGood = address;
                    return answer;
                }
                catch (WireException failed) when (failed.Kind is not (WireFailure.Closed or WireFailure.VersionUnsupported))
                {
                    faults.Add(failed);
                }
            }

            if (!known || !faults.Exists(fault => fault.IsTransient) || _options.Clock.GetElapsedTime(began) > _options.RetryTimeout)
            {
                throw Together(faults);
            }

            await Task.Delay(Backoff.After(round, _options.RetryBackoff, _options.ReconnectBackoffMax, 0.2), _options.Clock, cancel)
                .ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Asks the broker that coordinates a group or a transactional id; finds it, and finds it again when it has moved. A coordinator that
    /// is still loading, or still ends the transaction before, is waited for, up to <see cref="WireOptions.RetryTimeout"/>.
    /// </summary>
    /// <param name="error">The code in the answer that says whether the right broker was asked.</param>
    public Task<TAnswer> AskCoordinatorAsync<TAnswer>(
        CoordinatorType type,
        string key,
        WireRequest<TAnswer> request,
        Func<TAnswer, WireErrorCode> error,
        CancellationToken cancel
    )
        where TAnswer : IWireAnswer => _coordinators.AskAsync(type, key, request, error, cancel);

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
        }

        await _closing.CancelAsync().ConfigureAwait(false);
        foreach (var slot in _slots.Values)
        {
            await slot.DisposeAsync().ConfigureAwait(false);
        }

        _tls?.Dispose();
        _closing.Dispose();
    }

    private static async Task<TAnswer> AskAsync<TAnswer>(ConnectionSlot slot, WireRequest<TAnswer> request, CancellationToken cancel)
        where TAnswer : IWireAnswer
    {
        var connection = await slot.GetAsync(cancel).ConfigureAwait(false);
        var answer = await connection.SendAsync(request, cancel).ConfigureAwait(false);
        slot.NoteSuccess();
        return answer;
    }

    /// <summary>A broker that hangs must not hold up a question that another one can answer.</summary>
    private async Task<TAnswer> AskSoonAsync<TAnswer>(WireAddress address, WireRequest<TAnswer> request, CancellationToken cancel)
        where TAnswer : IWireAnswer
    {
        using var late = new CancellationTokenSource(_options.PatienceWithOne, _options.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, late.Token);
        try
        {
            return await AskAsync(Slot(address, Control, -1), request, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw new WireException(
                WireFailure.RequestTimedOut,
                $"The broker at {address} did not answer within {_options.PatienceWithOne.TotalSeconds:0.#} s."
            )
            {
                Address = address.ToString(),
            };
        }
    }

    private async ValueTask<ConnectionSlot> SlotAsync(int broker, int lane, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(lane);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lane, _options.DataConnections);
        if (!_metadata.TryGetBroker(broker, out var found))
        {
            await TopicsAsync([], cancel).ConfigureAwait(false);
            if (!_metadata.TryGetBroker(broker, out found))
            {
                throw new WireException(
                    WireFailure.Unreachable,
                    $"Broker {broker} is not part of the cluster now: its metadata does not name it."
                );
            }
        }

        return Slot(new WireAddress(found.Host, found.Port), lane, broker);
    }

    private ConnectionSlot Slot(WireAddress address, int lane, int broker)
    {
        if (_slots.TryGetValue((address, lane), out var known))
        {
            return known;
        }

        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            return _slots.GetOrAdd((address, lane), _ => new ConnectionSlot(address, broker, _options, Buffers, _tls));
        }
    }

    /// <summary>
    /// The one that answered last, then those that metadata names, then the bootstrap addresses; those that have just failed come last.
    /// </summary>
    private List<WireAddress> Candidates()
    {
        var addresses = _metadata.Brokers.Select(broker => new WireAddress(broker.Host, broker.Port)).ToArray();
        Random.Shared.Shuffle(addresses);
        var bootstrap = _options.Bootstrap.ToArray();
        Random.Shared.Shuffle(bootstrap);
        return
        [
            .. (LastGood is { } good ? [good] : Array.Empty<WireAddress>()).Concat(addresses).Concat(bootstrap).Distinct().OrderBy(Rests),
        ];

        bool Rests(WireAddress address) => _slots.TryGetValue((address, Control), out var slot) && slot.IsResting;
    }

    /// <summary>One error for all addresses; what a user can mend comes first.</summary>
    private static WireException Together(List<WireException> faults)
    {
        var worst = faults.FirstOrDefault(fault => !fault.IsTransient) ?? faults[0];
        if (faults.Count == 1)
        {
            return worst;
        }

        var others = faults.Where(fault => fault != worst).Select(fault => fault.Message).Distinct();
        return new WireException(worst.Kind, $"No broker could be asked. {worst.Message} {string.Join(' ', others)}".Trim(), worst)
        {
            Code = worst.Code,
            Address = worst.Address,
        };
    }
}
