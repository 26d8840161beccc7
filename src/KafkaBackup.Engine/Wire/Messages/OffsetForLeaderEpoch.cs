using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Messages;

/// <summary>Where the records of a leader epoch end: shows whether a log was truncated (KIP-320).</summary>
internal sealed class OffsetForLeaderEpochRequest(IReadOnlyCollection<TopicEntries<EpochQuery>> topics)
    : WireRequest<OffsetForLeaderEpochResponse>
{
    public static readonly WireApi Definition = new(ApiKey.OffsetForLeaderEpoch, 2, 4, 4, WireApi.Never);

    public override WireApi Api => Definition;

    public override void Write(WireWriter writer)
    {
        if (writer.Version >= 3)
        {
            writer.Int32(-1); // a consumer, no follower
        }

        TopicEntries.Write(
            writer,
            topics,
            static (w, query) =>
            {
                w.Int32(query.Partition);
                w.Int32(query.CurrentLeaderEpoch);
                w.Int32(query.LeaderEpoch);
                w.Tags();
            }
        );
        writer.Tags();
    }

    public override OffsetForLeaderEpochResponse Read(ref WireReader reader)
    {
        var throttle = reader.Milliseconds("throttle_time_ms");
        var topics = TopicEntries.Read(
            ref reader,
            18,
            (ref WireReader r) =>
            {
                var error = r.Error();
                var partition = r.Int32("partition");
                var end = new EpochEnd(partition, error, r.Int32("leader_epoch"), r.Int64("end_offset"));
                r.SkipTags();
                return end;
            }
        );
        reader.SkipTags();
        return new OffsetForLeaderEpochResponse(throttle, topics);
    }
}

/// <param name="CurrentLeaderEpoch">The epoch that the client believes to be current; -1 for none.</param>
/// <param name="LeaderEpoch">The epoch whose end is asked for.</param>
internal readonly record struct EpochQuery(int Partition, int CurrentLeaderEpoch, int LeaderEpoch);

internal sealed record OffsetForLeaderEpochResponse(TimeSpan ThrottleTime, IReadOnlyList<TopicEntries<EpochEnd>> Topics) : IWireAnswer;

/// <param name="LeaderEpoch">The largest epoch that is not above the asked one; -1 when the broker knows none.</param>
internal readonly record struct EpochEnd(int Partition, WireErrorCode Error, int LeaderEpoch, long EndOffset);
