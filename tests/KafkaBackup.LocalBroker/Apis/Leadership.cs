using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Topics;

namespace KafkaBackup.LocalBroker.Apis;

/// <summary>Whether this broker leads a partition, and whether the client means the same reign.</summary>
internal static class Leadership
{
    public static ErrorCode Check(Partition partition, int broker, int askedEpoch) =>
        partition.Leader != broker ? ErrorCode.NotLeaderOrFollower : CheckEpoch(partition, askedEpoch);

    /// <summary>For readers: with racks, a follower will do, from the version on that knows of it.</summary>
    public static ErrorCode CheckReader(Request request, Partition partition, int askedEpoch)
    {
        const short followersFrom = 11;
        var follows =
            request.Version >= followersFrom
            && request.Cluster.Options.Racks.Count > 0
            && partition.IsOn(request.Broker)
            && partition.Leader >= 0;
        return follows ? CheckEpoch(partition, askedEpoch) : Check(partition, request.Broker, askedEpoch);
    }

    private static ErrorCode CheckEpoch(Partition partition, int askedEpoch)
    {
        if (askedEpoch < 0)
            return ErrorCode.None;
        var epoch = partition.LeaderEpoch;
        if (askedEpoch < epoch)
            return ErrorCode.FencedLeaderEpoch;
        return askedEpoch > epoch ? ErrorCode.UnknownLeaderEpoch : ErrorCode.None;
    }
}
