using KafkaBackup.LocalBroker.Net;

namespace KafkaBackup.LocalBroker.Apis;

/// <summary>What every request to a group is checked for before the group is asked.</summary>
internal static class GroupCheck
{
    public static ErrorCode Of(Request request, string group) =>
        Request.First(
            request.Failure,
            request.DeniedGroup(group),
            group.Length == 0 ? ErrorCode.InvalidGroupId : ErrorCode.None,
            request.Cluster.CoordinatorOf(group) == request.Broker ? ErrorCode.None : ErrorCode.NotCoordinator
        );

    /// <summary>As <see cref="Of"/>; simple consumers may commit and fetch under the empty name.</summary>
    public static ErrorCode OfOffsets(Request request, string group) =>
        Request.First(
            request.Failure,
            request.DeniedGroup(group),
            request.Cluster.CoordinatorOf(group) == request.Broker ? ErrorCode.None : ErrorCode.NotCoordinator
        );
}
