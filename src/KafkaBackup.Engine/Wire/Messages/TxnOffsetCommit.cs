using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Messages;

/// <summary>Commits offsets of a group as part of a transaction. The group must have no members.</summary>
internal sealed class TxnOffsetCommitRequest(
    TransactionalProducer producer,
    string group,
    IReadOnlyCollection<TopicEntries<OffsetToCommit>> topics
) : WireRequest<PartitionErrorsResponse>
{
    public static readonly WireApi Definition = new(ApiKey.TxnOffsetCommit, 0, 3, 3, 1);

    public override WireApi Api => Definition;

    public override void Write(WireWriter writer)
    {
        writer.String(producer.TransactionalId);
        writer.String(group);
        writer.Int64(producer.ProducerId);
        writer.Int16(producer.ProducerEpoch);
        if (writer.Version >= 3)
        {
            writer.Int32(-1); // no generation
            writer.String("");
            writer.String(null);
        }

        TopicEntries.Write(
            writer,
            topics,
            static (w, commit) =>
            {
                w.Int32(commit.Partition);
                w.Int64(commit.Offset);
                if (w.Version >= 2)
                {
                    w.Int32(commit.LeaderEpoch);
                }

                w.String(commit.Metadata);
                w.Tags();
            }
        );
        writer.Tags();
    }

    public override PartitionErrorsResponse Read(ref WireReader reader) => PartitionErrorsResponse.Read(ref reader);
}

internal readonly record struct OffsetToCommit(int Partition, long Offset, string? Metadata, int LeaderEpoch = -1);
