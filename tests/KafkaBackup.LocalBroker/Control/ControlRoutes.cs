using System.Collections.Concurrent;
using System.Globalization;

namespace KafkaBackup.LocalBroker.Control;

/// <summary>What the control port offers; the README lists it.</summary>
internal sealed class ControlRoutes(LocalCluster cluster)
{
    private static readonly object Done = new { ok = true };

    private readonly ConcurrentDictionary<int, Fault> _faults = new();
    private int _lastFault;

    /// <summary>Null when there is no such route.</summary>
    public async Task<object?> Act(HttpExchange asked)
    {
        var path = asked.Path;
        return (asked.Method, path.Count > 0 ? path[0] : "", path.Count) switch
        {
            ("GET", "", 0) => new
            {
                bootstrap = cluster.BootstrapServers,
                clusterId = cluster.ClusterId,
                brokers = cluster.AliveBrokers,
                topics = cluster.TopicNames,
                groups = cluster.GroupNames,
                certificates = cluster.Certificates,
            },
            ("GET", "errors", 1) => cluster.UnexpectedErrors.Select(e => e.ToString()).ToList(),
            ("GET", "requests", 1) => Requests(asked),
            ("DELETE", "requests", 1) => Did(cluster.Requests.Clear),
            ("GET", "faults", 1) => _faults
                .OrderBy(f => f.Key)
                .Select(f => new
                {
                    id = f.Key,
                    f.Value.Api,
                    f.Value.Action,
                    f.Value.Hits,
                })
                .ToList(),
            ("POST", "faults", 1) => AddFault(asked),
            ("DELETE", "faults", 1) => Did(ClearFaults),
            ("DELETE", "faults", 2) => Did(FaultOf(path[1]).Remove),
            ("POST", "faults", 3) when path[2] == "thaw" => Did(FaultOf(path[1]).Thaw),
            ("POST", "denials", 1) => Did(() =>
                cluster.Deny(asked.Field<ApiKey?>("api", null), asked.Field<string?>("resource", null), asked.Field<string?>("user", null))
            ),
            ("DELETE", "denials", 1) => Did(cluster.AllowAll),
            ("POST", "connections", 2) when path[1] == "drop" => Did(() => cluster.DropConnections(asked.Field<int?>("broker", null))),
            ("POST", "brokers", 3) => await Broker(Number(path[1]), path[2]).ConfigureAwait(false),
            ("GET", "groups", 2) => cluster
                .GroupOffsets(path[1])
                .Select(o => new
                {
                    o.Key.Topic,
                    o.Key.Partition,
                    o.Value.Offset,
                    o.Value.Metadata,
                })
                .ToList(),
            ("POST", "groups", 2) => Did(() =>
                cluster.CommitOffset(
                    path[1],
                    asked.Field<string>("topic"),
                    asked.Field("partition", 0),
                    asked.Field<long>("offset"),
                    asked.Field<string?>("metadata", "")
                )
            ),
            (_, "topics", _) => new TopicRoutes(cluster).Act(asked),
            _ => null,
        };
    }

    internal static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    internal static object Did(Action action)
    {
        action();
        return Done;
    }

    private List<object> Requests(HttpExchange asked)
    {
        var api = asked.Query.TryGetValue("api", out var name) ? Enum.Parse<ApiKey>(name, ignoreCase: true) : (ApiKey?)null;
        var onlyWrites = asked.Query.ContainsKey("writes");
        return
        [
            .. (onlyWrites ? cluster.Requests.Writes : cluster.Requests.All).Where(r => api is null || r.Api == api).Select(r => (object)r),
        ];
    }

    private object AddFault(HttpExchange asked)
    {
        var api = asked.Field<ApiKey?>("api", null);
        var fault = api is { } known ? cluster.Faults.On(known) : cluster.Faults.OnAny();
        if (asked.Field<string?>("topic", null) is { } topic)
            fault.Topic(topic);
        if (asked.Field<int?>("partition", null) is { } partition)
            fault.Partition(partition);
        if (asked.Field<int?>("broker", null) is { } broker)
            fault.Broker(broker);
        if (asked.Field<string?>("client", null) is { } client)
            fault.Client(client);
        if (asked.Field<int?>("skip", null) is { } skip)
            fault.Skip(skip);
        if (asked.Field<int?>("times", null) is { } times)
            fault.Times(times);
        switch (asked.Field<FaultAction>("action"))
        {
            case FaultAction.Fail:
                fault.Fail(asked.Field<ErrorCode>("error"));
                break;
            case FaultAction.FailAfter:
                fault.FailAfterHandling(asked.Field<ErrorCode>("error"));
                break;
            case FaultAction.Delay:
                fault.Delay(TimeSpan.FromMilliseconds(asked.Field<double>("delayMs")));
                break;
            case FaultAction.DropBefore:
                fault.DropBeforeHandling();
                break;
            case FaultAction.DropAfter:
                fault.DropAfterHandling();
                break;
            default:
                fault.Freeze();
                break;
        }

        var id = Interlocked.Increment(ref _lastFault);
        _faults[id] = fault;
        return new { id };
    }

    private void ClearFaults()
    {
        cluster.Faults.Clear();
        foreach (var fault in _faults.Values)
            fault.Thaw();
        _faults.Clear();
    }

    private Fault FaultOf(string id) =>
        _faults.TryGetValue(Number(id), out var fault) ? fault : throw new ArgumentException($"There is no fault {id}.");

    private async Task<object?> Broker(int id, string action)
    {
        switch (action)
        {
            case "stop":
                await cluster.StopBroker(id).ConfigureAwait(false);
                return Done;
            case "start":
                cluster.StartBroker(id);
                return Done;
            default:
                return null;
        }
    }
}
