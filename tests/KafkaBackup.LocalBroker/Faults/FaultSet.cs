namespace KafkaBackup.LocalBroker;

/// <summary>The faults in force. The first added has the first say; one request meets at most one fault.</summary>
public sealed class FaultSet
{
    private readonly object _gate = new();
    private readonly List<Fault> _faults = [];

    internal FaultSet() { }

    /// <summary>Begins a fault on an API; it is in force once its action is named.</summary>
    public Fault On(ApiKey api) => new(this, api);

    /// <summary>Begins a fault on every API except those a connection opens with (ApiVersions, SASL).</summary>
    public Fault OnAny() => new(this, null);

    public IReadOnlyList<Fault> InForce
    {
        get
        {
            lock (_gate)
                return [.. _faults];
        }
    }

    /// <summary>Ends all faults; frozen requests go on.</summary>
    public void Clear()
    {
        foreach (var fault in InForce)
            fault.Thaw();
    }

    internal void Enforce(Fault fault)
    {
        lock (_gate)
            _faults.Add(fault);
    }

    internal void Remove(Fault fault)
    {
        lock (_gate)
            _faults.Remove(fault);
    }

    internal Fault? Claim(LoggedRequest request)
    {
        var opening = request.Api is ApiKey.ApiVersions or ApiKey.SaslHandshake or ApiKey.SaslAuthenticate;
        lock (_gate)
            return _faults.FirstOrDefault(f => (f.Api is not null || !opening) && f.Claims(request));
    }
}
