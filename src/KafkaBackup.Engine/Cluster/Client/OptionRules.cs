using System.Collections.Frozen;

namespace KafkaBackup.Engine.Cluster;

/// <summary>Properties of the library that users may not set, because a promise of ours hangs on them, each with its reason.</summary>
internal static class OptionRules
{
    private const string OwnAddress = "the address is given by bootstrap_servers";
    private const string OwnPosition = "a backup keeps its own positions and must never commit offsets";
    private const string OwnDelivery = "restores rely on it to lose and repeat nothing";
    private const string OwnLimit = "it follows from the target's limits and from the memory promised";

    private static readonly FrozenDictionary<string, string> Refused = new Dictionary<string, string>
    {
        ["bootstrap.servers"] = OwnAddress,
        ["metadata.broker.list"] = OwnAddress,
        ["enable.auto.commit"] = OwnPosition,
        ["auto.commit.enable"] = OwnPosition,
        ["enable.auto.offset.store"] = OwnPosition,
        ["auto.commit.interval.ms"] = OwnPosition,
        ["group.id"] = OwnPosition,
        ["group.instance.id"] = OwnPosition,
        ["auto.offset.reset"] = "a backup must notice when records disappear before it reads them",
        ["enable.partition.eof"] = "a backup knows by it where a partition ends",
        ["check.crcs"] = "what is archived must be what the broker had",
        ["isolation.level"] = "isolation_level of the backup decides",
        ["receive.message.max.bytes"] = "records of any size that the broker has must be readable",
        ["enable.idempotence"] = OwnDelivery,
        ["enable.gapless.guarantee"] = OwnDelivery,
        ["transactional.id"] = OwnDelivery,
        ["transaction.timeout.ms"] = OwnDelivery,
        ["acks"] = OwnDelivery,
        ["request.required.acks"] = OwnDelivery,
        ["retries"] = OwnDelivery,
        ["message.send.max.retries"] = OwnDelivery,
        ["message.timeout.ms"] = OwnDelivery,
        ["delivery.timeout.ms"] = OwnDelivery,
        ["partitioner"] = OwnDelivery,
        ["message.max.bytes"] = "the broker decides which records are too large",
        ["batch.size"] = OwnLimit,
        ["batch.num.messages"] = OwnLimit,
        ["queue.buffering.max.messages"] = OwnLimit,
        ["queue.buffering.max.kbytes"] = OwnLimit,
        ["queued.max.messages.kbytes"] = OwnLimit,
        ["allow.auto.create.topics"] = "topics are created with the source's settings, or not at all",
        ["log.queue"] = "the library's log goes to the verbose stream",
        ["delivery.report.only.error"] = OwnDelivery,
        ["dr_msg_cb"] = OwnDelivery,
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    public static bool Refuses(string name) => Refused.ContainsKey(name);

    public static void Check(string name)
    {
        if (Refused.TryGetValue(name, out var reason))
        {
            throw ErrorIds.InvalidKafkaOption.With($"kafka_options may not set '{name}': {reason}.", name, "Remove the option.");
        }
    }
}
