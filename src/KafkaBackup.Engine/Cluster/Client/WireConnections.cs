using KafkaBackup.Engine.Wire;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// The connections for records of one cluster, made when they are first needed. Each reader and writer takes a lane: connections of its
/// own, since a broker answers one connection's requests one after the other, and a request that waits for records would hold up the
/// others behind it. Any thread may call it.
/// </summary>
internal sealed class WireConnections(ClientConfiguration configuration, IEngineEvents events) : IAsyncDisposable
{
    /// <summary>Beyond that, lanes are shared.</summary>
    public const int MostLanes = 256;

    private readonly WireSettings _settings = new(configuration);
    private readonly object _gate = new();
    private readonly int[] _users = new int[MostLanes + 1];
    private WireCluster? _cluster;
    private bool _closed;

    public ClientConfiguration Configuration => configuration;

    public IEngineEvents Events => events;

    public FetchTuning Fetch => _settings.Fetch;

    public ProduceTuning Produce => _settings.Produce;

    /// <exception cref="KafkaBackupException">ClusterTls: a certificate or key file cannot be used.</exception>
    public WireCluster Cluster
    {
        get
        {
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_closed, this);
                return _cluster ??= Open();
            }
        }
    }

    /// <summary>The lane that fewest use. Whoever takes it gives it back.</summary>
    public int TakeLane()
    {
        lock (_gate)
        {
            var lane = 1;
            for (var other = 2; other <= MostLanes && _users[lane] > 0; other++)
            {
                lane = _users[other] < _users[lane] ? other : lane;
            }

            _users[lane]++;
            return lane;
        }
    }

    public void GiveBackLane(int lane)
    {
        lock (_gate)
        {
            _users[lane]--;
        }
    }

    public KafkaBackupException Describe(WireException fault) => WireErrors.Describe(fault, configuration);

    public async ValueTask DisposeAsync()
    {
        WireCluster? cluster;
        lock (_gate)
        {
            _closed = true;
            (cluster, _cluster) = (_cluster, null);
        }

        if (cluster is not null)
        {
            await cluster.DisposeAsync().ConfigureAwait(false);
        }

        _settings.Dispose();
    }

    private WireCluster Open()
    {
        _settings.Explain(events);
        try
        {
            return new WireCluster(_settings.Options);
        }
        catch (WireException unusable)
        {
            throw Describe(unusable);
        }
    }
}
