using KafkaBackup.LocalBroker.Groups;

namespace KafkaBackup.LocalBroker;

public sealed partial class LocalCluster
{
    /// <summary>The names of all groups.</summary>
    public IReadOnlyList<string> GroupNames => [.. Groups.All.Select(g => g.Id)];

    /// <summary>What a group has committed; empty for an unknown one.</summary>
    public IReadOnlyDictionary<TopicPartition, CommittedOffset> GroupOffsets(string group) =>
        Groups.Find(group)?.Offsets() ?? new Dictionary<TopicPartition, CommittedOffset>();

    /// <summary>A group's state as Kafka names it; <c>Dead</c> for an unknown one.</summary>
    public string GroupState(string group) => (Groups.Find(group)?.View().State ?? LocalBroker.Groups.GroupState.Dead).ToString();

    /// <summary>Commits for a group from behind, without asking whether it has members.</summary>
    public void CommitOffset(string group, string topic, int partition, long offset, string? metadata = "")
    {
        Require(topic, partition);
        Groups.Enter(group).Commit(new TopicPartition(topic, partition), new CommittedOffset(offset, -1, metadata));
    }
}
