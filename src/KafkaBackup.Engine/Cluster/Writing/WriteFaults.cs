using System.Collections.Frozen;
using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Messages;

namespace KafkaBackup.Engine.Cluster;

/// <summary>What a broker's answer to a batch means, in the seam's words.</summary>
internal static class WriteFaults
{
    private static readonly FrozenDictionary<WireErrorCode, string> Refusals = new Dictionary<WireErrorCode, string>
    {
        [WireErrorCode.MessageTooLarge] = "it is larger than the topic's max.message.bytes allows",
        [WireErrorCode.RecordListTooLarge] = "it is larger than a segment of the topic's log (segment.bytes)",
        [WireErrorCode.CorruptMessage] = "the broker considers it damaged",
        [WireErrorCode.InvalidTimestamp] =
            "its timestamp is too far from the broker's time for the topic's settings (message.timestamp.difference.max.ms, message.timestamp.before.max.ms and message.timestamp.after.max.ms)",
        [WireErrorCode.InvalidRecord] = "the broker does not accept such a record",
        [WireErrorCode.PolicyViolation] = "a policy of the cluster forbids it",
        [WireErrorCode.UnsupportedForMessageFormat] = "the topic's message format cannot hold it",
        [WireErrorCode.UnsupportedCompressionType] = "the broker does not support its compression",
    }.ToFrozenDictionary();

    /// <summary>The broker will not take this batch however often it is sent.</summary>
    public static bool IsRefusal(WireErrorCode code) => Refusals.ContainsKey(code);

    public static bool IsUnauthorized(WireErrorCode code) =>
        code
            is WireErrorCode.TopicAuthorizationFailed
                or WireErrorCode.ClusterAuthorizationFailed
                or WireErrorCode.TransactionalIdAuthorizationFailed;

    public static bool IsUnknown(WireErrorCode code) =>
        code
            is WireErrorCode.UnknownTopicOrPartition
                or WireErrorCode.UnknownTopicId
                or WireErrorCode.InconsistentTopicId
                or WireErrorCode.InvalidTopicException;

    /// <summary>Another producer has this one's place.</summary>
    public static bool IsFenced(WireErrorCode code) => code is WireErrorCode.InvalidProducerEpoch or WireErrorCode.ProducerFenced;

    public static WriteFault Refused(WireErrorCode code, string? brokersText) =>
        new(WriteFaultKind.Refused, code.KafkaName(), WithBrokersText(Refusals[code], brokersText));

    public static WriteFault Unauthorized(WireErrorCode code) =>
        new(WriteFaultKind.Unauthorized, code.KafkaName(), "this user has no right to write it");

    public static WriteFault Unknown(TopicPartition partition) =>
        new(
            WriteFaultKind.UnknownPartition,
            WireErrorCode.UnknownTopicOrPartition.KafkaName(),
            $"the cluster knows no topic partition {partition}"
        );

    public static WriteFault Uncertain(WireErrorCode code, string? brokersText) =>
        new(WriteFaultKind.Uncertain, code.KafkaName(), WithBrokersText("the broker could not store it", brokersText));

    /// <summary>It was under way, or may have been stored by an attempt whose answer was lost.</summary>
    public static WriteFault Abandoned(OutgoingBatch batch) =>
        batch.MayBeStored
            ? new(WriteFaultKind.Uncertain, "", "it was given up before the broker said whether it is stored")
            : new(WriteFaultKind.Purged, "", "it was dropped before it was stored");

    /// <summary>What the broker says of single records (Kafka 2.4 and later), by their place in the batch.</summary>
    public static IReadOnlyDictionary<int, WriteFault>? Records(WireErrorCode code, IReadOnlyList<ProduceRecordError> errors)
    {
        if (errors.Count == 0)
        {
            return null;
        }

        var faults = new Dictionary<int, WriteFault>(errors.Count);
        foreach (var error in errors)
        {
            faults[error.Record] = Refused(code, error.Message);
        }

        return faults;
    }

    private static string WithBrokersText(string text, string? brokersText) =>
        string.IsNullOrWhiteSpace(brokersText) ? text : $"{text}; the broker says: {brokersText.Trim().TrimEnd('.')}";
}
