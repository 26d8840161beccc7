using System.Diagnostics;
using KafkaBackup.Engine.Cluster.Native;
using ErrorCode = Confluent.Kafka.ErrorCode;

namespace KafkaBackup.Engine.Cluster;

/// <summary>Consumer groups and their committed offsets, with the metadata that clients attach to a commit.</summary>
/// <param name="another">Opens a client of its own for the same cluster, with the id of a group or without.</param>
internal sealed class GroupAdmin(AdminClient admin, Func<string?, AdminClient> another) : IDisposable
{
    private const int GroupsPerCall = 200;
    private static readonly TimeSpan ListingPatience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan FirstListing = TimeSpan.FromSeconds(2);
    private const int StateDead = 4;
    private const int StateEmpty = 5;

    private readonly object _gate = new();
    private AdminClient? _offsets;

    public async Task<GroupListing> ListAsync(TimeSpan patience, CancellationToken cancel)
    {
        var (groups, missing) = await ListStatesAsync(patience, cancel).ConfigureAwait(false);
        return new GroupListing([.. groups.Keys.Order(StringComparer.Ordinal)], missing);
    }

    public async Task<IReadOnlyDictionary<string, GroupState>> DescribeAsync(IReadOnlyCollection<string> groups, CancellationToken cancel)
    {
        var all = new Dictionary<string, GroupState>(StringComparer.Ordinal);
        var unclear = false;
        foreach (var chunk in groups.Distinct(StringComparer.Ordinal).Chunk(GroupsPerCall))
        {
            var answers = await admin
                .CallAsync(
                    GroupRequests.Describe(chunk),
                    "Describing consumer groups",
                    chunk.Length == 1 ? chunk[0] : $"{chunk.Length} groups",
                    cancel
                )
                .ConfigureAwait(false);
            foreach (var (name, state, members, error) in answers)
            {
                if (error is { Code: not ErrorCode.GroupIdNotFound } failed)
                {
                    throw admin.Explain(failed, $"Describing consumer group '{name}'", name);
                }

                var dead = error is not null || state == StateDead;
                unclear |= dead;
                all[name] = dead ? new GroupState("Dead", 0) : new GroupState(GroupRequests.StateName(state), members);
            }
        }

        if (unclear)
        {
            await CorrectAsync(all, cancel).ConfigureAwait(false);
        }

        return all;
    }

    public async Task<IReadOnlyList<GroupOffset>> ListOffsetsAsync(
        string group,
        IReadOnlyCollection<TopicPartition>? only,
        bool requireStable,
        CancellationToken cancel
    )
    {
        var started = Stopwatch.GetTimestamp();
        var usual = ForOffsets(group);
        var asked = usual;
        for (var attempt = 0; ; attempt++)
        {
            var (answer, error) = await AskAsync(
                    asked,
                    c => c.AskAsync(GroupRequests.ListOffsets(group, only, requireStable), attempt, cancel)
                )
                .ConfigureAwait(false);
            if ((error ?? answer.Error) is not { } failed)
            {
                return only is null ? answer.Offsets : [.. answer.Offsets.Where(o => o.Offset >= 0)];
            }

            if (!KafkaErrors.IsPassing(failed.Code) || AdminClient.OutOfBudget(started))
            {
                throw admin.Explain(failed, $"Reading the offsets of group '{group}'", group);
            }

            // A client stays with the coordinator that it knows, also with one that hangs while another has taken over; a new one looks for
            // it.
            await AdminClient.PauseAsync(cancel).ConfigureAwait(false);
            asked = failed.Code is ErrorCode.Local_TimedOut or ErrorCode.NotCoordinatorForGroup ? another(group) : usual;
        }
    }

    public async Task AlterOffsetsAsync(string group, IReadOnlyCollection<GroupOffset> offsets, CancellationToken cancel)
    {
        if (offsets.Count == 0)
        {
            return;
        }

        await ChangeOffsetsAsync(GroupRequests.AlterOffsets(group, offsets), group, "Setting", cancel).ConfigureAwait(false);
    }

    public async Task DeleteOffsetsAsync(string group, IReadOnlyCollection<TopicPartition> partitions, CancellationToken cancel)
    {
        if (partitions.Count == 0)
        {
            return;
        }

        await ChangeOffsetsAsync(GroupRequests.DeleteOffsets(group, partitions), group, "Removing", cancel).ConfigureAwait(false);
    }

    public void Dispose() => _offsets?.Dispose();

    /// <summary>
    /// The client for requests about offsets. The library (2.15 at least) assumes that the asking client has a group of its own: without
    /// one, the answer of a broker that does not coordinate the group any more brings the process down. It joins no group, so the first one
    /// asked for will do.
    /// </summary>
    private AdminClient ForOffsets(string group)
    {
        lock (_gate)
        {
            return _offsets ??= another(group);
        }
    }

    /// <summary>A coordinator that has moved says so in its answer, and nothing was done: it is looked for and asked again.</summary>
    private async Task ChangeOffsetsAsync(
        AdminRequest<(IReadOnlyList<GroupOffset> Offsets, NativeError? Error)> request,
        string group,
        string doing,
        CancellationToken cancel
    )
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var (_, error) = await ForOffsets(group)
                .CallAsync(request, $"{doing} the offsets of group '{group}'", group, cancel)
                .ConfigureAwait(false);
            if (error is not { } failed || !KafkaErrors.IsPassing(failed.Code) || AdminClient.OutOfBudget(started))
            {
                ThrowIfFailed(error, group, doing);
                return;
            }

            await AdminClient.PauseAsync(cancel).ConfigureAwait(false);
        }
    }

    private void ThrowIfFailed(NativeError? error, string group, string doing)
    {
        if (error is not { } failed)
        {
            return;
        }

        throw failed.Code
            is ErrorCode.NonEmptyGroup
                or ErrorCode.UnknownMemberId
                or ErrorCode.RebalanceInProgress
                or ErrorCode.GroupSubscribedToTopic
                or ErrorCode.IllegalGeneration
                or ErrorCode.FencedInstanceId
                or ErrorCode.StaleMemberEpoch
            ? ErrorIds.GroupActive.With($"{doing} the offsets of group '{group}' failed: the group has active consumers.", group)
            : admin.Explain(failed, $"{doing} the offsets of group '{group}'", group);
    }

    /// <summary>
    /// Groups of the newer protocol look dead to the request that describes classic groups; the listing tells them apart. Their members are
    /// not counted there, so a group that is neither empty nor dead counts as having one.
    /// </summary>
    private async Task CorrectAsync(Dictionary<string, GroupState> described, CancellationToken cancel)
    {
        var (listed, missing) = await ListStatesAsync(ListingPatience, cancel).ConfigureAwait(false);
        foreach (var (name, state) in described.ToArray())
        {
            if (state.State != "Dead")
            {
                continue;
            }

            if (!listed.TryGetValue(name, out var listedState))
            {
                // It may be at work at the broker that did not answer.
                described[name] = missing is null ? state : throw missing;
            }
            else if (listedState != StateDead && listedState != 0)
            {
                described[name] = new GroupState(GroupRequests.StateName(listedState), listedState == StateEmpty ? 0 : 1);
            }
        }
    }

    /// <summary>
    /// Each broker lists the groups that it coordinates. One that is down, or has yet to load what it took over, leaves them out: what the
    /// others say is kept, and the missing ones are asked again.
    /// </summary>
    private async Task<(Dictionary<string, int> Groups, KafkaBackupException? Missing)> ListStatesAsync(
        TimeSpan patience,
        CancellationToken cancel
    )
    {
        var started = Stopwatch.GetTimestamp();
        var all = new Dictionary<string, int>(StringComparer.Ordinal);
        var asked = admin;
        for (var within = FirstListing; ; within *= 2)
        {
            var (groups, errors) = await AskAsync(
                    asked,
                    c => c.CallAsync(GroupRequests.List(within), "Listing consumer groups", admin.Address, cancel)
                )
                .ConfigureAwait(false);
            foreach (var (name, state) in groups)
            {
                all[name] = state;
            }

            if (errors.Count == 0)
            {
                return (all, null);
            }

            if (!errors.All(e => KafkaErrors.IsPassing(e.Code)) || Stopwatch.GetElapsedTime(started) >= patience)
            {
                var told = errors.FirstOrDefault(e => !KafkaErrors.IsPassing(e.Code), errors[0]);
                return (all, KafkaErrors.Request(told, "Listing consumer groups", admin.Address, admin.Address));
            }

            // This client goes on asking a broker that has left the cluster; a new one learns at its first contact which there are.
            await AdminClient.PauseAsync(cancel).ConfigureAwait(false);
            asked = another(null);
        }
    }

    /// <summary>Asks once; a client of its own ends with that.</summary>
    private async Task<T> AskAsync<T>(AdminClient asked, Func<AdminClient, Task<T>> ask)
    {
        try
        {
            return await ask(asked).ConfigureAwait(false);
        }
        finally
        {
            if (asked != admin && asked != _offsets)
            {
                await Task.Run(asked.Dispose, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }
}
