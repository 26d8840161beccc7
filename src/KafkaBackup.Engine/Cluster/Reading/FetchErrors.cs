using KafkaBackup.Engine.Wire;

namespace KafkaBackup.Engine.Cluster;

/// <summary>Kafka's error codes about one partition in the seam's words.</summary>
internal static class FetchErrors
{
    /// <summary>Asking again gives the same answer.</summary>
    public static bool IsFault(WireErrorCode code) =>
        code
            is WireErrorCode.OffsetOutOfRange
                or WireErrorCode.TopicAuthorizationFailed
                or WireErrorCode.ClusterAuthorizationFailed
                or WireErrorCode.InvalidTopicException
                or WireErrorCode.UnsupportedCompressionType
                or WireErrorCode.UnsupportedVersion
                or WireErrorCode.UnsupportedForMessageFormat
                or WireErrorCode.OffsetMovedToTieredStorage;

    /// <summary>It passes by itself, however long that takes: elections, a broker that is behind.</summary>
    public static bool IsPassing(WireErrorCode code) => code.IsRetriable() && code != WireErrorCode.CorruptMessage;

    /// <summary>A topic that is gone, that was made a moment ago, or a broker that has just started.</summary>
    public static bool IsUnknown(WireErrorCode code) =>
        code is WireErrorCode.UnknownTopicOrPartition or WireErrorCode.UnknownTopicId or WireErrorCode.InconsistentTopicId;

    public static ReadFault Describe(WireErrorCode code, long offset)
    {
        var (kind, message) = code switch
        {
            WireErrorCode.OffsetOutOfRange => (ReadFaultKind.OutOfRange, $"the log does not have offset {offset}"),
            WireErrorCode.TopicAuthorizationFailed => (ReadFaultKind.Unauthorized, "this user has no right to read the topic"),
            WireErrorCode.ClusterAuthorizationFailed => (ReadFaultKind.Unauthorized, "this user has no right to the cluster for this"),
            WireErrorCode.CorruptMessage => (ReadFaultKind.BadMessage, "the broker finds its own log damaged there"),
            WireErrorCode.UnsupportedCompressionType => (
                ReadFaultKind.BadMessage,
                "the broker does not send this compression to a client of this version"
            ),
            WireErrorCode.UnknownTopicOrPartition
            or WireErrorCode.UnknownTopicId
            or WireErrorCode.InconsistentTopicId
            or WireErrorCode.InvalidTopicException => (ReadFaultKind.UnknownPartition, "the cluster has no such topic or partition"),
            _ => (ReadFaultKind.Other, "the broker refuses to give records"),
        };
        return new ReadFault(kind, offset, code.KafkaName(), message);
    }
}
