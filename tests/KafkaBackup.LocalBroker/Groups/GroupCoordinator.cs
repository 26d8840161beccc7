using System.Collections.Concurrent;

namespace KafkaBackup.LocalBroker.Groups;

/// <summary>All groups of the cluster.</summary>
internal sealed class GroupCoordinator(LocalClusterOptions options)
{
    private readonly ConcurrentDictionary<string, Group> _groups = new(StringComparer.Ordinal);

    public IEnumerable<Group> All => _groups.Values.OrderBy(g => g.Id, StringComparer.Ordinal);

    public Group? Find(string id) => _groups.GetValueOrDefault(id);

    public Group Enter(string id) =>
        _groups.GetOrAdd(id, static (key, o) => new Group(key, o.Clock, o.GroupInitialRebalanceDelay), options);

    public ErrorCode Delete(string id)
    {
        if (Find(id) is not { } group)
            return ErrorCode.GroupIdNotFound;
        var error = group.Kill();
        if (error == ErrorCode.None)
            _groups.TryRemove(id, out _);
        return error;
    }

    public void EndTransaction(IEnumerable<string> groups, long producerId, bool commit)
    {
        foreach (var group in groups)
            Find(group)?.EndPending(producerId, commit);
    }

    public void ForgetTopic(string topic)
    {
        foreach (var group in _groups.Values)
            group.Forget(topic);
    }

    public void KeepHouse()
    {
        foreach (var group in _groups.Values)
            group.KeepHouse();
    }
}
