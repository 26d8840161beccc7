using KafkaBackup.Engine.Wire;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// The connections that writers share: each writer has a lane of its own for batches, and one that is closed leaves its lane, open
/// connections and all, to the next. Opened with the first writer. Any thread may call it.
/// </summary>
internal sealed class WriterLanes(Func<WireOptions> options) : IAsyncDisposable
{
    /// <summary>More than partitions are ever written at the same time.</summary>
    private const int MostLanes = 100_000;

    private readonly object _gate = new();
    private readonly Stack<int> _free = new();
    private WireCluster? _cluster;
    private int _opened;

    public (WireCluster Cluster, int Lane) Take()
    {
        lock (_gate)
        {
            if (_cluster is null)
            {
                try
                {
                    _cluster = new WireCluster(options() with { DataConnections = MostLanes });
                }
                catch (WireException unusable)
                {
                    throw WireFaults.Connection(unusable, unusable.Address ?? "");
                }
            }

            return (_cluster, _free.TryPop(out var lane) ? lane : ++_opened);
        }
    }

    /// <summary>The lane must have nothing under way.</summary>
    public void Return(int lane)
    {
        lock (_gate)
        {
            _free.Push(lane);
        }
    }

    public ValueTask DisposeAsync() => _cluster?.DisposeAsync() ?? default;
}
