namespace KafkaBackup.LocalBroker.Groups;

internal enum GroupState
{
    Empty,
    PreparingRebalance,
    CompletingRebalance,
    Stable,
    Dead,
}

/// <summary>
/// One consumer group: who is in it, and where it is (the other part). Members wait on tasks that the state machine
/// completes; every member of this class takes the group's lock.
/// </summary>
internal sealed partial class Group(string id, TimeProvider clock, TimeSpan initialDelay)
{
    private readonly object _gate = new();
    private readonly Dictionary<string, Member> _members = new(StringComparer.Ordinal);
    private readonly HashSet<string> _promisedIds = new(StringComparer.Ordinal);
    private GroupState _state = GroupState.Empty;
    private int _generation;
    private string? _protocolType;
    private string? _protocol;
    private string _leader = "";
    private long _rebalanceDeadline;
    private long _notBefore;

    public string Id { get; } = id;

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    public GroupView View()
    {
        lock (_gate)
        {
            var settled = _state is GroupState.Stable;
            return new GroupView(
                Id,
                _state,
                _protocolType ?? "",
                settled ? _protocol ?? "" : "",
                [
                    .. _members.Values.Select(m => new MemberView(
                        m.Id,
                        m.InstanceId,
                        m.ClientId,
                        settled ? m.MetadataOf(_protocol) : [],
                        settled ? m.Assignment : []
                    )),
                ]
            );
        }
    }

    public Task<JoinOutcome> Join(JoinRequest join)
    {
        lock (_gate)
        {
            if (_state == GroupState.Dead)
                return Refused(ErrorCode.UnknownMemberId);
            if (join.SessionTimeoutMs <= 0)
                return Refused(ErrorCode.InvalidSessionTimeout);
            if (join.Protocols.Count == 0 || !FitsProtocols(join))
                return Refused(ErrorCode.InconsistentGroupProtocol);
            if (Admit(join) is not { } member)
                return Refused(ErrorCode.UnknownMemberId);
            if (member.Id != join.MemberId && join.NeedsKnownId && join.InstanceId is null)
            {
                _members.Remove(member.Id);
                _promisedIds.Add(member.Id);
                return Task.FromResult(new JoinOutcome(ErrorCode.MemberIdRequired, member.Id));
            }

            var unchanged = member.HasSameProtocols(join.Protocols);
            member.SessionTimeoutMs = join.SessionTimeoutMs;
            member.RebalanceTimeoutMs = join.RebalanceTimeoutMs;
            member.Protocols = join.Protocols;
            member.LastSeen = Now;
            if (unchanged && ((_state == GroupState.Stable && member.Id != _leader) || _state == GroupState.CompletingRebalance))
                return Task.FromResult(Welcome(member));

            _protocolType = join.ProtocolType;
            member.Joining?.TrySetResult(new JoinOutcome(ErrorCode.UnknownMemberId, member.Id));
            member.Joining = new TaskCompletionSource<JoinOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
            var waiting = member.Joining.Task;
            PrepareRebalance();
            CompleteWhenAllJoined();
            return waiting;
        }

        Task<JoinOutcome> Refused(ErrorCode error) => Task.FromResult(new JoinOutcome(error, join.MemberId));
    }

    public Task<SyncOutcome> Sync(
        string memberId,
        string? instanceId,
        int generation,
        IReadOnlyList<(string Member, byte[] Assignment)> assignments
    )
    {
        lock (_gate)
        {
            var error = Check(memberId, instanceId, generation, out var member);
            if (error == ErrorCode.None && _state == GroupState.PreparingRebalance)
                error = ErrorCode.RebalanceInProgress;
            if (error != ErrorCode.None)
                return Task.FromResult(new SyncOutcome(error));
            member!.LastSeen = Now;
            if (_state == GroupState.Stable)
                return Task.FromResult(Assigned(member));
            member.Syncing = new TaskCompletionSource<SyncOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
            var waiting = member.Syncing.Task;
            if (memberId == _leader)
                Settle(assignments);
            return waiting;
        }
    }

    public ErrorCode Heartbeat(string memberId, string? instanceId, int generation)
    {
        lock (_gate)
        {
            var error = Check(memberId, instanceId, generation, out var member);
            if (error != ErrorCode.None)
                return error;
            member!.LastSeen = Now;
            return _state == GroupState.PreparingRebalance ? ErrorCode.RebalanceInProgress : ErrorCode.None;
        }
    }

    public ErrorCode Leave(string memberId, string? instanceId)
    {
        lock (_gate)
        {
            var member = instanceId is not null
                ? _members.Values.FirstOrDefault(m => m.InstanceId == instanceId)
                : _members.GetValueOrDefault(memberId);
            if (member is null)
                return _promisedIds.Remove(memberId) ? ErrorCode.None : ErrorCode.UnknownMemberId;
            if (instanceId is not null && memberId.Length > 0 && member.Id != memberId)
                return ErrorCode.FencedInstanceId;
            Expel(member);
            return ErrorCode.None;
        }
    }

    /// <summary>Takes the group out of service; only an empty one.</summary>
    public ErrorCode Kill()
    {
        lock (_gate)
        {
            if (_members.Count > 0)
                return ErrorCode.NonEmptyGroup;
            _state = GroupState.Dead;
            return ErrorCode.None;
        }
    }

    /// <summary>Expels silent members and ends rebalances that are over their time.</summary>
    public void KeepHouse()
    {
        lock (_gate)
        {
            var now = Now;
            foreach (var member in _members.Values.Where(m => !m.IsWaiting && now - m.LastSeen > m.SessionTimeoutMs).ToList())
                Expel(member);
            if (_state != GroupState.PreparingRebalance)
                return;
            if (now >= _rebalanceDeadline)
            {
                foreach (var missing in _members.Values.Where(m => m.Joining is null && m.InstanceId is null).ToList())
                    _members.Remove(missing.Id);
                EndRebalance();
            }
            else
            {
                CompleteWhenAllJoined();
            }
        }
    }

    /// <summary>The member that joins: known, promised, a returning static one, or new; null when its id means nothing here.</summary>
    private Member? Admit(JoinRequest join)
    {
        var former = join.InstanceId is null ? null : _members.Values.FirstOrDefault(m => m.InstanceId == join.InstanceId);
        if (join.MemberId.Length > 0)
        {
            if (_members.TryGetValue(join.MemberId, out var known))
                return known;
            return _promisedIds.Remove(join.MemberId) ? Enter(join.MemberId) : null;
        }

        var member = Enter($"{join.ClientId}-{Guid.NewGuid()}");
        if (former is not null)
        {
            // A static member came back: its former self is fenced, its place and assignment are kept.
            former.Joining?.TrySetResult(new JoinOutcome(ErrorCode.FencedInstanceId, former.Id));
            former.Syncing?.TrySetResult(new SyncOutcome(ErrorCode.FencedInstanceId));
            member.Protocols = former.Protocols;
            member.Assignment = former.Assignment;
            _members.Remove(former.Id);
            if (_leader == former.Id)
                _leader = member.Id;
        }

        return member;

        Member Enter(string memberId) => _members[memberId] = new Member(memberId, join.InstanceId, join.ClientId) { LastSeen = Now };
    }

    private bool FitsProtocols(JoinRequest join)
    {
        var others = _members.Values.Where(m => m.Id != join.MemberId).ToList();
        return others.Count == 0
            || (
                _protocolType == join.ProtocolType
                && join.Protocols.Any(p => others.TrueForAll(m => m.Protocols.Any(o => o.Name == p.Name)))
            );
    }

    private void PrepareRebalance()
    {
        if (_state == GroupState.PreparingRebalance)
            return;
        foreach (var member in _members.Values)
        {
            member.Syncing?.TrySetResult(new SyncOutcome(ErrorCode.RebalanceInProgress));
            member.Syncing = null;
        }

        _notBefore = _state == GroupState.Empty ? Now + (long)initialDelay.TotalMilliseconds : 0;
        _state = GroupState.PreparingRebalance;
        _rebalanceDeadline = Now + _members.Values.Select(m => m.RebalanceTimeoutMs).DefaultIfEmpty(0).Max();
    }

    private void CompleteWhenAllJoined()
    {
        if (_state == GroupState.PreparingRebalance && Now >= _notBefore && _members.Values.All(m => m.Joining is not null))
            EndRebalance();
    }

    private void EndRebalance()
    {
        _generation++;
        if (_members.Count == 0)
        {
            _state = GroupState.Empty;
            _protocol = null;
            _leader = "";
            return;
        }

        var common = _members
            .Values.First()
            .Protocols.Select(p => p.Name)
            .Where(name => _members.Values.All(m => m.Protocols.Any(p => p.Name == name)))
            .ToList();
        _protocol = _members
            .Values.Select(m => m.Protocols.First(p => common.Contains(p.Name)).Name)
            .GroupBy(name => name)
            .MaxBy(votes => votes.Count())!
            .Key;
        if (!_members.ContainsKey(_leader))
            _leader = _members.Values.First().Id;
        _state = GroupState.CompletingRebalance;
        foreach (var member in _members.Values)
        {
            member.Joining?.TrySetResult(Welcome(member));
            member.Joining = null;
            member.LastSeen = Now;
        }
    }

    private void Settle(IReadOnlyList<(string Member, byte[] Assignment)> assignments)
    {
        foreach (var member in _members.Values)
            member.Assignment = assignments.FirstOrDefault(a => a.Member == member.Id).Assignment ?? [];
        _state = GroupState.Stable;
        foreach (var member in _members.Values)
        {
            member.Syncing?.TrySetResult(Assigned(member));
            member.Syncing = null;
            member.LastSeen = Now;
        }
    }

    private void Expel(Member member)
    {
        _members.Remove(member.Id);
        member.Joining?.TrySetResult(new JoinOutcome(ErrorCode.UnknownMemberId, member.Id));
        member.Syncing?.TrySetResult(new SyncOutcome(ErrorCode.UnknownMemberId));
        PrepareRebalance();
        CompleteWhenAllJoined();
    }

    private JoinOutcome Welcome(Member member) =>
        new(
            ErrorCode.None,
            member.Id,
            _generation,
            _protocolType,
            _protocol,
            _leader,
            member.Id == _leader ? [.. _members.Values.Select(m => (m.Id, m.InstanceId, m.MetadataOf(_protocol)))] : []
        );

    private SyncOutcome Assigned(Member member) => new(ErrorCode.None, _protocolType, _protocol, member.Assignment);

    private ErrorCode Check(string memberId, string? instanceId, int generation, out Member? member)
    {
        member = null;
        if (
            instanceId is not null
            && _members.Values.FirstOrDefault(m => m.InstanceId == instanceId) is { } current
            && current.Id != memberId
        )
            return ErrorCode.FencedInstanceId;
        if (!_members.TryGetValue(memberId, out member))
            return ErrorCode.UnknownMemberId;
        return generation == _generation ? ErrorCode.None : ErrorCode.IllegalGeneration;
    }
}

internal sealed record GroupView(string Id, GroupState State, string ProtocolType, string Protocol, IReadOnlyList<MemberView> Members);

internal sealed record MemberView(string Id, string? InstanceId, string ClientId, byte[] Metadata, byte[] Assignment);
