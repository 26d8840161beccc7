using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Takes the committed offsets, with metadata, of every group that has any on the topics of a backup (rule B11). What cannot be seen,
/// because a broker is down, a right is missing, or the topic is gone from the source, stays as an earlier snapshot has it: a restore is
/// better off with an old position than with none.
/// </summary>
/// <param name="topics">Those that this run reads.</param>
internal sealed class GroupWatch(RunScope run, IReadOnlySet<string> topics)
{
    /// <summary>For the snapshots of a run in one go: outlasts the election of new coordinators.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Where another attempt follows soon, or somebody waits for the run to stop.</summary>
    public static readonly TimeSpan ShortPatience = TimeSpan.FromSeconds(20);

    /// <summary>A coordinator answers one group at a time; a few requests under way hide the round trips without crowding it.</summary>
    private const int RequestsUnderWay = 8;

    private const int NamesTold = 10;

    /// <param name="earlier">The newest snapshot there is.</param>
    /// <returns>Null when nothing could be seen at all: a backup of data does not fail for it, but says so.</returns>
    public async Task<GroupSnapshot?> TakeAsync(GroupSnapshot? earlier, TimeSpan budget, CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(budget, run.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        var tooSlow = ErrorIds.ClusterUnreachable.With(
            $"The cluster {run.Cluster.Address} took longer than {budget.TotalSeconds:0} s.",
            run.Cluster.Address,
            "Run again when the group coordinators answer."
        );

        async Task<T> WithinAsync<T>(Func<CancellationToken, Task<T>> ask, Func<KafkaBackupException, T> failed)
        {
            try
            {
                return await ask(either.Token).ConfigureAwait(false);
            }
            catch (KafkaBackupException error)
            {
                return failed(error);
            }
            catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancel.IsCancellationRequested)
            {
                return failed(tooSlow);
            }
        }

        var (listed, missing) = await WithinAsync(c => run.Cluster.ListGroupsAsync(budget / 3, c), error => new GroupListing([], error))
            .ConfigureAwait(false);
        missing ??= await WithinAsync(LostCoordinatorsAsync, error => error).ConfigureAwait(false);

        // A group that is not listed may be coordinated by a broker that is down: only asked for by name it says so.
        var known = earlier?.Groups.ToDictionary(g => g.Group, StringComparer.Ordinal) ?? [];
        string[] names = [.. listed, .. known.Keys.Except(listed)];
        var answers = new Answer[names.Length];
        var options = new ParallelOptions { MaxDegreeOfParallelism = RequestsUnderWay, CancellationToken = cancel };
        await Parallel
            .ForAsync(
                0,
                names.Length,
                options,
                async (i, _) =>
                    answers[i] = await WithinAsync(c => AskAsync(names[i], c), error => new Answer(names[i], [], error))
                        .ConfigureAwait(false)
            )
            .ConfigureAwait(false);
        Tell(missing, answers, known);
        return missing is not null && answers.All(a => a.Error is not null)
            ? null
            : new GroupSnapshot(
                run.Clock.GetUtcNow(),
                run.RunId,
                [
                    .. answers
                        .Select(a => Entry(a, known.GetValueOrDefault(a.Group), earlier))
                        .Where(g => g.Offsets.Count > 0)
                        .OrderBy(g => g.Group, StringComparer.Ordinal),
                ]
            );
    }

    /// <summary>Groups whose coordinator has no broker at all are in no broker's list, and nobody says that they are missing.</summary>
    private async Task<KafkaBackupException?> LostCoordinatorsAsync(CancellationToken cancel)
    {
        const string Offsets = "__consumer_offsets";
        var source = await run.Cluster.DescribeAsync(cancel).ConfigureAwait(false);
        var lost = source.Topics.GetValueOrDefault(Offsets)?.Partitions.Count(p => p.Leader < 0) ?? 0;
        return lost == 0
            ? null
            : ErrorIds.ClusterUnreachable.With(
                $"{lost} of {source.Topics[Offsets].Partitions.Count} partitions of {Offsets} have no leader; the groups kept there cannot be seen.",
                Offsets,
                "Bring the missing brokers back, then run again."
            );
    }

    private async Task<Answer> AskAsync(string group, CancellationToken cancel)
    {
        var offsets = await run.Cluster.ListGroupOffsetsAsync(group, requireStable: false, cancel).ConfigureAwait(false);
        return new Answer(
            group,
            [
                .. offsets
                    .Where(o => o.Offset >= 0 && topics.Contains(o.Partition.Topic))
                    .Select(o => new GroupOffsetEntry(o.Partition.Topic, o.Partition.Partition, o.Offset, o.Metadata)),
            ]
        );
    }

    private GroupEntry Entry(Answer answer, GroupEntry? known, GroupSnapshot? earlier)
    {
        var kept =
            known
                ?.Offsets.Where(o => answer.Error is not null || !topics.Contains(o.Topic))
                .Select(o => o with { TakenAt = o.TakenAt ?? earlier!.TakenAt })
            ?? [];
        return new GroupEntry(
            answer.Group,
            [.. answer.Offsets.Concat(kept).OrderBy(o => o.Topic, StringComparer.Ordinal).ThenBy(o => o.Partition)]
        );
    }

    /// <summary>What is missing is named, once per reason: there may be hundreds of groups.</summary>
    private void Tell(KafkaBackupException? missing, IReadOnlyCollection<Answer> answers, Dictionary<string, GroupEntry> known)
    {
        if (missing is not null)
        {
            Add(
                "consumer groups",
                $"Not all consumer groups could be listed: {missing.Message} Offsets of groups that are not listed are not in this run.",
                missing.Advice
            );
        }

        foreach (var reason in answers.Where(a => a.Error is not null).GroupBy(a => (a.Error!.ErrorId, Kept: known.ContainsKey(a.Group))))
        {
            var names = reason.Select(a => a.Group).Order(StringComparer.Ordinal).ToArray();
            var told = string.Join(", ", names.Take(NamesTold)) + (names.Length > NamesTold ? $" and {names.Length - NamesTold} more" : "");
            var error = reason.First().Error!;
            Add(
                told,
                $"The offsets of {told} could not be read{(reason.Key.Kept ? "; those that an earlier run stored are kept" : " and are not in this run")}: {error.Message}",
                error.Advice
            );
        }
    }

    private void Add(string place, string message, string advice) =>
        run.Findings.Add(new Finding(FindingSeverity.Warning, FindingKind.ConsumerGroup, place, message, advice));

    private sealed record Answer(string Group, IReadOnlyList<GroupOffsetEntry> Offsets, KafkaBackupException? Error = null);
}
