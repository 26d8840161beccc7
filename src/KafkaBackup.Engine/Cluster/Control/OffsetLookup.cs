using System.Diagnostics;
using KafkaBackup.Engine.Cluster.Native;
using ErrorCode = Confluent.Kafka.ErrorCode;

namespace KafkaBackup.Engine.Cluster;

/// <summary>Offsets of many partitions with few requests: one per leader and chunk.</summary>
internal sealed class OffsetLookup(AdminClient admin)
{
    /// <summary>The library merges the leaders' answers in quadratic time; this many take milliseconds.</summary>
    private const int PartitionsPerCall = 1_000;

    public Task<IReadOnlyDictionary<TopicPartition, OffsetAnswer>> ListAsync(
        IReadOnlyCollection<TopicPartition> partitions,
        OffsetBound bound,
        CancellationToken cancel
    )
    {
        var spec = bound == OffsetBound.Earliest ? LibRdKafka.OffsetSpecEarliest : (long)LibRdKafka.OffsetSpecLatest;
        return ListAsync(
            partitions.Distinct().ToDictionary(partition => partition, _ => spec),
            bound == OffsetBound.LastStable ? IsolationLevel.ReadCommitted : IsolationLevel.ReadUncommitted,
            cancel
        );
    }

    public async Task<IReadOnlyDictionary<TopicPartition, OffsetAnswer>> FindByTimeAsync(
        IReadOnlyDictionary<TopicPartition, long> times,
        IsolationLevel isolation,
        CancellationToken cancel
    )
    {
        // -1 and -2 mean "latest" and "earliest" to a broker. No record is stamped below -1, so a negative time is met by the very first
        // one.
        var negative = times.Where(pair => pair.Value < 0).Select(pair => pair.Key).ToArray();
        var found = await ListAsync(times.Where(pair => pair.Value >= 0).ToDictionary(), isolation, cancel).ConfigureAwait(false);
        if (negative.Length == 0)
        {
            return found;
        }

        var starts = await ListAsync(negative, OffsetBound.Earliest, cancel).ConfigureAwait(false);
        var ends = await ListAsync(
                negative,
                isolation == IsolationLevel.ReadCommitted ? OffsetBound.LastStable : OffsetBound.HighWatermark,
                cancel
            )
            .ConfigureAwait(false);
        var all = new Dictionary<TopicPartition, OffsetAnswer>(found);
        foreach (var partition in negative)
        {
            all[partition] =
                starts[partition].Error is null && ends[partition] is { Error: null } end && end.Offset <= starts[partition].Offset
                    ? new OffsetAnswer(null, -1, -1)
                    : starts[partition];
        }

        return all;
    }

    private async Task<IReadOnlyDictionary<TopicPartition, OffsetAnswer>> ListAsync(
        Dictionary<TopicPartition, long> specs,
        IsolationLevel isolation,
        CancellationToken cancel
    )
    {
        var answers = new Dictionary<TopicPartition, OffsetAnswer>(specs.Count);
        foreach (var chunk in specs.OrderBy(pair => pair.Key).Chunk(PartitionsPerCall))
        {
            await ListChunkAsync(chunk, isolation, answers, cancel).ConfigureAwait(false);
        }

        return answers;
    }

    private async Task ListChunkAsync(
        KeyValuePair<TopicPartition, long>[] chunk,
        IsolationLevel isolation,
        Dictionary<TopicPartition, OffsetAnswer> answers,
        CancellationToken cancel
    )
    {
        var started = Stopwatch.GetTimestamp();
        var open = chunk;
        for (var attempt = 0; ; attempt++)
        {
            var (results, refused) = await admin.AskAsync(OffsetRequests.List(open, isolation), attempt, cancel).ConfigureAwait(false);
            results ??= await ExplainAsync(open, refused!.Value, cancel).ConfigureAwait(false);

            var again = new HashSet<TopicPartition>();
            foreach (var result in results)
            {
                if (result.Error is not { } error)
                {
                    answers[result.Partition] = new OffsetAnswer(result.Offset, result.Timestamp, result.LeaderEpoch);
                }
                else if (KafkaErrors.IsPassing(error.Code) && !AdminClient.OutOfBudget(started))
                {
                    again.Add(result.Partition);
                }
                else
                {
                    answers[result.Partition] = new OffsetAnswer(null, -1, -1, Explain(result.Partition, error));
                }
            }

            if (again.Count == 0)
            {
                return;
            }

            open = open.Where(pair => again.Contains(pair.Key)).ToArray();
            await admin.LookAgainAsync(attempt, cancel).ConfigureAwait(false);
        }
    }

    private KafkaBackupException Explain(TopicPartition partition, NativeError error) =>
        error.Code == ErrorCode.LeaderNotAvailable
            ? ErrorIds.ClusterUnreachable.With(
                $"Partition {partition} has no leader: none of the brokers that hold it is up.",
                partition,
                "Bring a broker back that holds the partition, then run again."
            )
            : admin.Explain(error, $"Asking for the offsets of partition {partition}", partition);

    /// <summary>
    /// Where none of the partitions has a leader the library fails the request as a whole. Those that exist are waiting for an election;
    /// the others are not there.
    /// </summary>
    private async Task<List<OffsetResult>> ExplainAsync(
        KeyValuePair<TopicPartition, long>[] asked,
        NativeError refused,
        CancellationToken cancel
    )
    {
        if (KafkaErrors.IsPassing(refused.Code))
        {
            return [.. asked.Select(pair => new OffsetResult(pair.Key, null, -1, -1, refused))];
        }

        if (refused.Code != ErrorCode.Local_NoEnt)
        {
            throw admin.Explain(refused, "Asking for offsets", asked.Length == 1 ? asked[0].Key : $"{asked.Length} partitions");
        }

        var topics = asked.Select(pair => pair.Key.Topic).Distinct(StringComparer.Ordinal).ToArray();
        var details = await admin
            .CallAsync(TopicRequests.Describe(topics), "Describing topics", $"{topics.Length} topics", cancel)
            .ConfigureAwait(false);
        var counts = details.ToDictionary(detail => detail.Name, detail => detail.Leaders.Count, StringComparer.Ordinal);
        return
        [
            .. asked.Select(pair => new OffsetResult(
                pair.Key,
                null,
                -1,
                -1,
                NativeError.From(
                    (int)(
                        counts.GetValueOrDefault(pair.Key.Topic) > pair.Key.Partition
                            ? ErrorCode.LeaderNotAvailable
                            : ErrorCode.UnknownTopicOrPart
                    )
                )
            )),
        ];
    }
}
