using KafkaBackup.LocalBroker.Topics;

namespace KafkaBackup.LocalBroker.Apis;

/// <summary>Whether this broker leads a partition, and whether the client means the same reign.</summary>
internal static class Leadership
{
    public static ErrorCode Check(Partition partition, int broker, int askedEpoch)
    {
        if (partition.Leader != broker)
            return ErrorCode.NotLeaderOrFollower;
        if (askedEpoch < 0)
            return ErrorCode.None;
        var epoch = partition.LeaderEpoch;
        if (askedEpoch < epoch)
            return ErrorCode.FencedLeaderEpoch;
        return askedEpoch > epoch ? ErrorCode.UnknownLeaderEpoch : ErrorCode.None;
    }
}
