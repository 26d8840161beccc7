using System.Collections.Concurrent;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Proves, after records were read and before they are committed, that they came from the topics that the backup is about: a topic that was
/// deleted and created
/// again meanwhile has another id; where brokers give no ids, stored records are met again (SEMANTICS B8). A topic that fails is refused
/// for the rest of the run.
/// </summary>
internal sealed class SourceProof(IKafkaCluster cluster, LogMeeting meeting, TimeProvider clock, IEngineEvents events)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<string, KafkaBackupException> _refused = new(StringComparer.Ordinal);
    private readonly Dictionary<string, KafkaBackupException> _unproven = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TopicEntry> _asked = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _suspected = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _mayBeGone = new(StringComparer.Ordinal);

    /// <summary>Topics that this run must not read any more, and why.</summary>
    public IReadOnlyDictionary<string, KafkaBackupException> Refused => _refused;

    /// <summary>Topics with records of which it could not be found out, and why not. Nothing may call them complete.</summary>
    public IReadOnlyDictionary<string, KafkaBackupException> Unproven => _unproven;

    public KafkaBackupException? WhyRefused(string topic) => _refused.IsEmpty ? null : _refused.GetValueOrDefault(topic);

    /// <summary>What reading has found out about a topic as a whole.</summary>
    public void Refuse(string topic, KafkaBackupException error) => _refused.TryAdd(topic, error);

    /// <summary>A partition's log was found truncated: then its topic is asked about, though it may have given nothing.</summary>
    public void Suspect(string topic) => _suspected.TryAdd(topic, true);

    /// <param name="partitions">Those that are going to be read.</param>
    public void Expect(IEnumerable<PartitionWork> partitions)
    {
        foreach (var work in partitions)
        {
            _mayBeGone[work.Id.Topic] = work.LastMayBeGone;
        }
    }

    /// <summary>
    /// Asks about the topics with something new since they were last asked about, and, when there is time, about those of which it could
    /// not be found out then. One that has been replaced is refused. Not for several threads.
    /// </summary>
    /// <param name="committed">What is in the backup already.</param>
    /// <param name="next">What is to be committed; all of it has been read.</param>
    /// <param name="isLast">Nothing more will be read: what could not be found out is asked again.</param>
    /// <param name="patience">For how long a cluster that is away, or does not show a topic, is asked again.</param>
    /// <param name="hurry">Ends that wait.</param>
    public async Task AskAsync(
        Manifest committed, IReadOnlyDictionary<string, TopicEntry> next, bool isLast, TimeSpan patience, CancellationToken hurry, CancellationToken cancel)
    {
        var open = next.Values
            .Where(t => !_refused.ContainsKey(t.Name))
            .Where(t => _suspected.TryRemove(t.Name, out _) || (isLast && _unproven.ContainsKey(t.Name))
                || HasGrown(t, _asked.GetValueOrDefault(t.Name) ?? committed.Topics.GetValueOrDefault(t.Name)))
            .ToArray();
        Array.ForEach(open, t => _asked[t.Name] = t);
        var since = clock.GetTimestamp();
        while (open.Length > 0)
        {
            await AskOnceAsync(open, cancel).ConfigureAwait(false);
            open = [.. open.Where(t => _unproven.ContainsKey(t.Name))];
            if (open.Length == 0 || hurry.IsCancellationRequested || clock.GetElapsedTime(since) >= patience)
            {
                return;
            }

            events.Verbose($"{_unproven[open[0].Name].Message} Asking again.");
            await Task.Delay(Pause, cancel).ConfigureAwait(false);
        }
    }

    private async Task AskOnceAsync(TopicEntry[] topics, CancellationToken cancel)
    {
        Array.ForEach(topics, t => _unproven.Remove(t.Name));
        try
        {
            var unnamed = await AskIdsAsync(topics, cancel).ConfigureAwait(false);
            await MeetAsync(unnamed, cancel).ConfigureAwait(false);
        }
        catch (KafkaBackupException error)
        {
            Array.ForEach(topics, t => _unproven[t.Name] = Unasked(t.Name, error));
        }
    }

    private static bool HasGrown(TopicEntry topic, TopicEntry? before) => !ReferenceEquals(topic, before) && topic.Partitions.Values.Any(p =>
        before?.Partitions.GetValueOrDefault(p.Partition) is { } known ? p.NextOffset != known.NextOffset || p.Segments.Count != known.Segments.Count : p.Segments.Count > 0);

    /// <summary>Returns those whose ids say nothing.</summary>
    private async Task<TopicEntry[]> AskIdsAsync(TopicEntry[] topics, CancellationToken cancel)
    {
        var there = (await cluster.DescribeAsync(cancel).ConfigureAwait(false)).Topics;
        var unnamed = new List<TopicEntry>();
        foreach (var topic in topics)
        {
            if (there.GetValueOrDefault(topic.Name) is not { } now)
            {
                _unproven[topic.Name] = ErrorIds.TopicNotFound.With(
                    $"Topic {topic.Name} is no longer in the cluster {cluster.Address}: it was deleted while it was backed up.", topic.Name,
                    "What was read of it is in the backup; whether that is all there was cannot be found out any more.");
            }
            else if (topic.TopicId is { } before && now.TopicId is { } id)
            {
                if (before != id)
                {
                    Refuse(topic.Name, Recreated(topic.Name, before, id));
                }
            }
            else
            {
                unnamed.Add(topic);
            }
        }

        return [.. unnamed];
    }

    public static KafkaBackupException Recreated(string topic, string before, string now) => ErrorIds.TopicRecreated.With(
        $"Topic {topic} was deleted and created again while it was backed up: its id was {before} and is now {now}. What was read of it since the last commit is left out.", topic);

    private async Task MeetAsync(TopicEntry[] topics, CancellationToken cancel)
    {
        var logs = topics.SelectMany(t => t.Partitions.Values.Select(p =>
            new StoredLog(new TopicPartition(t.Name, p.Partition), p, _mayBeGone.GetValueOrDefault(t.Name)))).ToArray();
        foreach (var (id, verdict) in await meeting.CompareAsync(logs, cancel).ConfigureAwait(false))
        {
            if (verdict.Other is { } other)
            {
                Refuse(id.Topic, other);
            }
            else if (verdict.Unknown is { } unknown)
            {
                _unproven[id.Topic] = Unasked(id.Topic, unknown);
            }
        }
    }

    private static KafkaBackupException Unasked(string topic, KafkaBackupException cause) => cause.Definition.With(
        $"Whether topic {topic} is still the one that was backed up could not be asked at the end: {cause.Message}", topic, "Run again when the cluster is back: the backup goes on from there.", cause);
}
