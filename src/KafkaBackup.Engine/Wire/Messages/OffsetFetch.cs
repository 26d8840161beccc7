using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Messages;

/// <summary>Committed offsets of one group.</summary>
internal sealed class OffsetFetchRequest(string group, IReadOnlyCollection<TopicEntries<int>>? topics) : WireRequest<OffsetFetchResponse>
{
    public static readonly WireApi Definition = new(ApiKey.OffsetFetch, 1, 8, 6, 4);

    /// <summary>
    /// Refuses to answer while a transaction with newer offsets is open (Kafka 2.5 and later; an older broker ignores it).
    /// </summary>
    public bool RequireStable { get; init; }

    public override WireApi Api => Definition;

    /// <summary>Null topics, which ask for all, are known from version 2 on.</summary>
    public override short LeastVersion => topics is null ? (short)2 : (short)1;

    public override void Write(WireWriter writer)
    {
        if (writer.Version >= 8)
        {
            writer.ArrayLength(1);
            WriteGroup(writer);
            writer.Tags();
        }
        else
        {
            WriteGroup(writer);
        }

        if (writer.Version >= 7)
        {
            writer.Bool(RequireStable);
        }

        writer.Tags();
    }

    public override OffsetFetchResponse Read(ref WireReader reader)
    {
        var throttle = reader.Version >= 3 ? reader.Milliseconds("throttle_time_ms") : TimeSpan.Zero;
        if (reader.Version < 8)
        {
            var topics = TopicEntries.Read(ref reader, 15, ReadPartition);
            var error = reader.Version >= 2 ? reader.Error() : WireErrorCode.None;
            reader.SkipTags();
            return new OffsetFetchResponse(throttle, error, topics);
        }

        var groups = reader.Array(
            "groups",
            5,
            (ref WireReader r) =>
            {
                r.String("group_id");
                var topics = TopicEntries.Read(ref r, 15, ReadPartition);
                var error = r.Error();
                r.SkipTags();
                return (Error: error, Topics: topics);
            }
        );
        reader.SkipTags();
        return groups is [var one]
            ? new OffsetFetchResponse(throttle, one.Error, one.Topics)
            : throw reader.Damaged("groups", $"one group was asked for, {groups.Length} were named");
    }

    private void WriteGroup(WireWriter writer)
    {
        writer.String(group);
        TopicEntries.Write(writer, topics, static (w, partition) => w.Int32(partition));
    }

    private static CommittedOffset ReadPartition(ref WireReader reader)
    {
        var index = reader.Int32("partition_index");
        var offset = reader.Int64("committed_offset");
        var epoch = reader.Version >= 5 ? reader.Int32("committed_leader_epoch") : -1;
        var committed = new CommittedOffset(index, offset, epoch, reader.NullableString("metadata"), reader.Error());
        reader.SkipTags();
        return committed;
    }
}

internal sealed record OffsetFetchResponse(TimeSpan ThrottleTime, WireErrorCode Error, IReadOnlyList<TopicEntries<CommittedOffset>> Topics)
    : IWireAnswer;

/// <param name="Offset">-1 when the group has committed none.</param>
internal readonly record struct CommittedOffset(int Partition, long Offset, int LeaderEpoch, string? Metadata, WireErrorCode Error);
