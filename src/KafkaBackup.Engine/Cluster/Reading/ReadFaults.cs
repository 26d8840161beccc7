using KafkaBackup.Engine.Cluster.Native;
using ErrorCode = Confluent.Kafka.ErrorCode;

namespace KafkaBackup.Engine.Cluster;

/// <summary>Errors of reading in the seam's words.</summary>
internal static class ReadFaults
{
    public static ReadFault From(ErrorCode code, long offset, string text)
    {
        var kind = code switch
        {
            ErrorCode.Local_AutoOffsetReset or ErrorCode.OffsetOutOfRange or ErrorCode.Local_LogTruncation => ReadFaultKind.OutOfRange,
            ErrorCode.Local_BadMsg
            or ErrorCode.Local_BadCompression
            or ErrorCode.InvalidMsg
            or ErrorCode.InvalidMsgSize
            or ErrorCode.Local_Underflow
            or ErrorCode.Local_NotImplemented
            or ErrorCode.UnsupportedCompressionType => ReadFaultKind.BadMessage,
            ErrorCode.UnknownTopicOrPart or ErrorCode.UnknownTopicId or ErrorCode.Local_UnknownTopic or ErrorCode.Local_UnknownPartition =>
                ReadFaultKind.UnknownPartition,
            ErrorCode.TopicAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed => ReadFaultKind.Unauthorized,
            _ => ReadFaultKind.Other,
        };
        return new ReadFault(kind, offset < 0 ? -1 : offset, LibRdKafka.ErrorName((int)code), text);
    }

    /// <summary>Null for what the library copes with by itself.</summary>
    public static KafkaBackupException? OfCluster(NativeError error, KafkaClient client) =>
        error.Code == ErrorCode.Local_AllBrokersDown || KafkaErrors.IsDefinitive(error)
            ? KafkaErrors.Connection(client.Faults.MostTelling ?? error, client.Address)
        : error.Code is ErrorCode.TopicAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed
            ? KafkaErrors.Request(error, "Reading", client.Address, client.Address)
        : null;
}
