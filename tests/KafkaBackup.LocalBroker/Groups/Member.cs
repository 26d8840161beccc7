namespace KafkaBackup.LocalBroker.Groups;

/// <summary>A member of a group. Guarded by its group.</summary>
internal sealed class Member(string id, string? instanceId, string clientId)
{
    public string Id { get; } = id;

    public string? InstanceId { get; } = instanceId;

    public string ClientId { get; } = clientId;

    public int SessionTimeoutMs { get; set; }

    public int RebalanceTimeoutMs { get; set; }

    public long LastSeen { get; set; }

    public IReadOnlyList<(string Name, byte[] Metadata)> Protocols { get; set; } = [];

    public byte[] Assignment { get; set; } = [];

    /// <summary>Set while the member waits for the rebalance to end.</summary>
    public TaskCompletionSource<JoinOutcome>? Joining { get; set; }

    /// <summary>Set while the member waits for the leader's assignment.</summary>
    public TaskCompletionSource<SyncOutcome>? Syncing { get; set; }

    public bool IsWaiting => Joining is not null || Syncing is not null;

    public byte[] MetadataOf(string? protocol) => Protocols.FirstOrDefault(p => p.Name == protocol).Metadata ?? [];

    public bool HasSameProtocols(IReadOnlyList<(string Name, byte[] Metadata)> other) =>
        Protocols.Count == other.Count
        && Protocols.Zip(other).All(p => p.First.Name == p.Second.Name && p.First.Metadata.AsSpan().SequenceEqual(p.Second.Metadata));
}

internal sealed record JoinOutcome(
    ErrorCode Error,
    string MemberId,
    int Generation = -1,
    string? ProtocolType = null,
    string? Protocol = null,
    string Leader = "",
    IReadOnlyList<(string Id, string? InstanceId, byte[] Metadata)>? Members = null
);

internal sealed record SyncOutcome(ErrorCode Error, string? ProtocolType = null, string? Protocol = null, byte[]? Assignment = null);

internal sealed record JoinRequest(
    string MemberId,
    string? InstanceId,
    string ClientId,
    int SessionTimeoutMs,
    int RebalanceTimeoutMs,
    string ProtocolType,
    IReadOnlyList<(string Name, byte[] Metadata)> Protocols,
    bool NeedsKnownId
);

/// <summary>The offset a group committed for a partition.</summary>
public sealed record CommittedOffset(long Offset, int LeaderEpoch, string? Metadata);
