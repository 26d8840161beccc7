using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Messages;

/// <summary>The first or last offset of partitions, or the first at or past a time.</summary>
internal sealed class ListOffsetsRequest(IReadOnlyCollection<TopicEntries<OffsetQuery>> topics, bool readCommitted)
    : WireRequest<ListOffsetsResponse>
{
    public static readonly WireApi Definition = new(ApiKey.ListOffsets, 1, 7, 6, 3);

    /// <summary>Instead of a time: the end, which for read_committed is the last stable offset.</summary>
    public const long Latest = -1;

    /// <summary>Instead of a time: the start.</summary>
    public const long Earliest = -2;

    /// <summary>Instead of a time: the record with the largest timestamp (Kafka 3.0 and later).</summary>
    public const long LargestTimestamp = -3;

    public override WireApi Api => Definition;

    public override short LeastVersion =>
        topics.Any(t => t.Partitions.Any(p => p.Timestamp == LargestTimestamp)) ? (short)7
        : readCommitted ? (short)2
        : (short)1;

    public override void Write(WireWriter writer)
    {
        writer.Int32(-1); // no follower
        if (writer.Version >= 2)
        {
            writer.Int8(readCommitted ? (sbyte)1 : (sbyte)0);
        }

        TopicEntries.Write(
            writer,
            topics,
            static (w, query) =>
            {
                w.Int32(query.Partition);
                if (w.Version >= 4)
                {
                    w.Int32(query.LeaderEpoch);
                }

                w.Int64(query.Timestamp);
                w.Tags();
            }
        );
        writer.Tags();
    }

    public override ListOffsetsResponse Read(ref WireReader reader)
    {
        var throttle = reader.Version >= 2 ? reader.Milliseconds("throttle_time_ms") : TimeSpan.Zero;
        var topics = TopicEntries.Read(
            ref reader,
            22,
            (ref WireReader r) =>
            {
                var index = r.Int32("partition_index");
                var error = r.Error();
                var timestamp = r.Int64("timestamp");
                var offset = r.Int64("offset");
                var epoch = r.Version >= 4 ? r.Int32("leader_epoch") : -1;
                r.SkipTags();
                return new ListedOffset(index, error, timestamp, offset, epoch);
            }
        );
        reader.SkipTags();
        return new ListOffsetsResponse(throttle, topics);
    }
}

/// <param name="LeaderEpoch">The epoch that the client knows; -1 for none.</param>
internal readonly record struct OffsetQuery(int Partition, long Timestamp, int LeaderEpoch = -1);

internal sealed record ListOffsetsResponse(TimeSpan ThrottleTime, IReadOnlyList<TopicEntries<ListedOffset>> Topics) : IWireAnswer;

/// <param name="Offset">-1 when no record is at or past the time.</param>
internal readonly record struct ListedOffset(int Partition, WireErrorCode Error, long Timestamp, long Offset, int LeaderEpoch);
