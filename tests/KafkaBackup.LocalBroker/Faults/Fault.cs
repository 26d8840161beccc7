namespace KafkaBackup.LocalBroker;

/// <summary>What happens to a request that a fault meets.</summary>
public enum FaultAction
{
    /// <summary>Answers with an error code; nothing is done.</summary>
    Fail,

    /// <summary>Does what was asked, then answers with an error code all the same.</summary>
    FailAfter,

    /// <summary>Waits, then goes on as usual.</summary>
    Delay,

    /// <summary>Closes the connection without doing anything.</summary>
    DropBefore,

    /// <summary>Does what was asked, then closes the connection without an answer.</summary>
    DropAfter,

    /// <summary>Holds the request until <see cref="Fault.Thaw"/>; then it is handled, even when its client is gone.</summary>
    Freeze,
}

/// <summary>
/// A rule that makes matching requests misbehave. Conditions first, then the action, which puts the rule in force:
/// <c>cluster.Faults.On(ApiKey.Produce).Topic("orders").Skip(2).Times(1).Fail(ErrorCode.NotLeaderOrFollower)</c>.
/// </summary>
public sealed class Fault
{
    private readonly FaultSet _owner;
    private readonly TaskCompletionSource _thawed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _hit = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? _topic;
    private int? _partition;
    private int? _broker;
    private string? _clientId;
    private int _skip;
    private int _times = int.MaxValue;
    private int _matches;
    private int _hits;

    internal Fault(FaultSet owner, ApiKey? api)
    {
        _owner = owner;
        Api = api;
    }

    public ApiKey? Api { get; }

    public FaultAction Action { get; private set; }

    public ErrorCode Error { get; private set; }

    public TimeSpan Wait { get; private set; }

    /// <summary>Requests this fault has acted on.</summary>
    public int Hits => Volatile.Read(ref _hits);

    internal Task Thawed => _thawed.Task;

    public Fault Topic(string topic) => With(() => _topic = topic);

    public Fault Partition(int partition) => With(() => _partition = partition);

    public Fault Broker(int broker) => With(() => _broker = broker);

    public Fault Client(string clientId) => With(() => _clientId = clientId);

    /// <summary>Lets the first matching requests pass.</summary>
    public Fault Skip(int requests) => With(() => _skip = requests);

    /// <summary>Acts this many times, then never again. Without it the fault stays until removed.</summary>
    public Fault Times(int requests) => With(() => _times = requests);

    public Fault Once() => Times(1);

    public Fault Fail(ErrorCode error) => Arm(FaultAction.Fail, error);

    public Fault FailAfterHandling(ErrorCode error) => Arm(FaultAction.FailAfter, error);

    public Fault Delay(TimeSpan wait) => Arm(FaultAction.Delay, wait: wait);

    public Fault DropBeforeHandling() => Arm(FaultAction.DropBefore);

    public Fault DropAfterHandling() => Arm(FaultAction.DropAfter);

    public Fault Freeze() => Arm(FaultAction.Freeze);

    /// <summary>Lets the held requests go on, and ends the fault.</summary>
    public void Thaw()
    {
        Remove();
        _thawed.TrySetResult();
    }

    /// <summary>Ends the fault. Requests held by a freeze stay held until <see cref="Thaw"/>.</summary>
    public void Remove() => _owner.Remove(this);

    /// <summary>Completes when the fault has acted at least that often.</summary>
    public async Task WaitForHits(int count = 1, TimeSpan? timeout = null)
    {
        using var limit = new CancellationTokenSource(timeout ?? TimeSpan.FromSeconds(30));
        while (true)
        {
            var hit = Volatile.Read(ref _hit).Task;
            if (Hits >= count)
                return;
            await hit.WaitAsync(limit.Token).ConfigureAwait(false);
        }
    }

    internal bool Applies(string topic, int partition) =>
        (_topic is null || _topic == topic) && (_partition is null || _partition == partition);

    /// <summary>Counts a request; true when it is this fault's turn. Called under the set's lock.</summary>
    internal bool Claims(LoggedRequest request)
    {
        if (
            (Api is not null && Api != request.Api)
            || (_broker is not null && _broker != request.Broker)
            || (_clientId is not null && _clientId != request.ClientId)
            || ((_topic is not null || _partition is not null) && !request.Partitions.Any(p => Applies(p.Topic, p.Partition)))
        )
        {
            return false;
        }

        _matches++;
        if (_matches <= _skip || _hits >= _times)
            return false;
        Volatile.Write(ref _hits, _hits + 1);
        Interlocked.Exchange(ref _hit, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        return true;
    }

    private Fault With(Action set)
    {
        set();
        return this;
    }

    private Fault Arm(FaultAction action, ErrorCode error = ErrorCode.None, TimeSpan wait = default)
    {
        Action = action;
        Error = error;
        Wait = wait;
        _owner.Enforce(this);
        return this;
    }
}
