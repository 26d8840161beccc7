using KafkaBackup.Engine.Cluster.Native;
using ErrorCode = Confluent.Kafka.ErrorCode;

namespace KafkaBackup.Engine.Cluster;

/// <summary>A failed delivery in the seam's words.</summary>
internal static class WriteFaults
{
    private const int NotPersisted = 0;

    public static WriteFault From(ErrorCode code, int status)
    {
        var kind = code switch
        {
            ErrorCode.MsgSizeTooLarge
            or ErrorCode.RecordListTooLarge
            or ErrorCode.InvalidMsg
            or ErrorCode.InvalidMsgSize
            or ErrorCode.InvalidTimestamp
            or ErrorCode.InvalidRecord
            or ErrorCode.Local_InvalidDifferentRecord
            or ErrorCode.PolicyViolation
            or ErrorCode.UnsupportedForMessageFormat
            or ErrorCode.UnsupportedCompressionType => WriteFaultKind.Refused,
            ErrorCode.TopicAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed or ErrorCode.TransactionalIdAuthorizationFailed =>
                WriteFaultKind.Unauthorized,
            ErrorCode.UnknownTopicOrPart or ErrorCode.UnknownTopicId or ErrorCode.Local_UnknownTopic or ErrorCode.Local_UnknownPartition =>
                WriteFaultKind.UnknownPartition,
            _ when status != NotPersisted => WriteFaultKind.Uncertain,
            ErrorCode.Local_PurgeQueue or ErrorCode.Local_GaplessGuarantee or ErrorCode.Local_Fatal or ErrorCode.Local_MsgTimedOut =>
                WriteFaultKind.Purged,
            _ => WriteFaultKind.Other,
        };
        return new WriteFault(kind, LibRdKafka.ErrorName((int)code), LibRdKafka.ErrorText((int)code));
    }
}
