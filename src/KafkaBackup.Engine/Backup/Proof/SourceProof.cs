using System.Collections.Concurrent;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Proves, after records were read and before they are committed, that they came from the topics that the backup is about: a topic that was
/// deleted and created again meanwhile has another id; where brokers give no ids, stored records are met again (rule B8). A topic that
/// fails is refused for the rest of the run.
/// </summary>
internal sealed class SourceProof(IKafkaCluster cluster, LogMeeting meeting, TimeProvider clock, IEngineEvents events)
{
    /// <summary>For a log to give a record while its leader is well.</summary>
    private static readonly TimeSpan ShortestProbe = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<string, KafkaBackupException> _refused = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, KafkaBackupException> _unproven = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TopicEntry> _asked = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _suspected = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _mayBeGone = new(StringComparer.Ordinal);

    /// <summary>Topics that this run must not read any more, and why.</summary>
    public IReadOnlyDictionary<string, KafkaBackupException> Refused => _refused;

    /// <summary>Topics with records of which it could not be found out, and why not. Nothing may call them complete.</summary>
    public IReadOnlyDictionary<string, KafkaBackupException> Unproven => _unproven;

    /// <summary>Topics that are gone for good are not asked about any more: returns those that stay unproven, and why.</summary>
    public IReadOnlyDictionary<string, KafkaBackupException> GiveUp(IEnumerable<string> gone)
    {
        var given = new Dictionary<string, KafkaBackupException>(StringComparer.Ordinal);
        foreach (var topic in gone)
        {
            if (_unproven.TryRemove(topic, out var error))
            {
                given[topic] = error;
            }
        }

        return given;
    }

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
            _mayBeGone[work.Id.Topic] = work.MayMissCommitted;
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
        Manifest committed,
        IReadOnlyDictionary<string, TopicEntry> next,
        bool isLast,
        TimeSpan patience,
        CancellationToken hurry,
        CancellationToken cancel
    )
    {
        var open = next
            .Values.Where(t => !_refused.ContainsKey(t.Name))
            .Select(t => Ask(t, _asked.GetValueOrDefault(t.Name) ?? committed.Topics.GetValueOrDefault(t.Name), isLast))
            .Where(q => q.Partitions.Length > 0)
            .ToArray();
        Array.ForEach(open, q => _asked[q.Name] = q.Topic);
        var wait = new WaitNotice(clock, events);
        while (open.Length > 0)
        {
            await AskOnceAsync(open, hurry.IsCancellationRequested || patience < ShortestProbe ? ShortestProbe : patience, cancel)
                .ConfigureAwait(false);
            open = [.. open.Where(t => _unproven.ContainsKey(t.Name))];
            if (open.Length == 0 || hurry.IsCancellationRequested || wait.Waited >= patience)
            {
                wait.End(open.Length == 0 ? "All topics could be checked." : $"Waiting ended; {open.Length} topics could not be checked.");
                return;
            }

            wait.Continue(() =>
                $"{_unproven[open[0].Name].Message} Waiting for up to {patience.TotalSeconds:0} s to check {open.Length} topics."
            );

            events.Verbose($"{_unproven[open[0].Name].Message} Asking again.");
            await Task.Delay(Pause, clock, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Partitions that had records and have more now are met again. One that had none says nothing about where its first ones came from, so
    /// it takes all of its topic's; so does a topic that is suspected, or of which it could not be found out before.
    /// </summary>
    private Question Ask(TopicEntry topic, TopicEntry? before, bool isLast)
    {
        var isSuspect = _suspected.TryRemove(topic.Name, out _);
        var isUnproven = _unproven.ContainsKey(topic.Name);
        var grown = ReferenceEquals(topic, before)
            ? []
            : topic.Partitions.Values.Where(p => HasGrown(p, before?.Partitions.GetValueOrDefault(p.Partition))).ToArray();
        var all =
            isSuspect
            || (isUnproven && (isLast || grown.Length > 0))
            || grown.Any(p => before?.Partitions.GetValueOrDefault(p.Partition) is not { Segments.Count: > 0 });
        return new Question(topic, all ? [.. topic.Partitions.Values] : grown);
    }

    private async Task AskOnceAsync(Question[] topics, TimeSpan patience, CancellationToken cancel)
    {
        Array.ForEach(topics, t => _unproven.TryRemove(t.Name, out _));
        try
        {
            var unnamed = await AskIdsAsync(topics, cancel).ConfigureAwait(false);
            await MeetAsync(unnamed, patience, cancel).ConfigureAwait(false);
        }
        catch (KafkaBackupException error)
        {
            Array.ForEach(topics, t => _unproven[t.Name] = Unasked(t.Name, error));
        }
    }

    /// <summary>By offsets: merging changes segments, and reads nothing.</summary>
    private static bool HasGrown(PartitionEntry now, PartitionEntry? before) =>
        before is null ? now.Segments.Count > 0 : now.NextOffset != before.NextOffset;

    /// <summary>Returns those whose ids say nothing.</summary>
    private async Task<Question[]> AskIdsAsync(Question[] topics, CancellationToken cancel)
    {
        var there = (await cluster.DescribeAsync(cancel).ConfigureAwait(false)).Topics;
        var unnamed = new List<Question>();
        foreach (var question in topics)
        {
            var topic = question.Topic;
            if (there.GetValueOrDefault(topic.Name) is not { } now)
            {
                _unproven[topic.Name] = ErrorIds.TopicNotFound.With(
                    $"Topic {topic.Name} is no longer in the cluster {cluster.Address}: it was deleted while it was backed up.",
                    topic.Name,
                    "What was read of it is in the backup; whether that is all there was cannot be found out any more."
                );
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
                unnamed.Add(question);
            }
        }

        return [.. unnamed];
    }

    public static KafkaBackupException Recreated(string topic, string before, string now) =>
        Recreated(topic, $": its id was {before} and is now {now}");

    /// <param name="how">How it shows.</param>
    public static KafkaBackupException Recreated(string topic, string how = "") =>
        ErrorIds.TopicRecreated.With(
            $"Topic {topic} was deleted and created again while it was backed up{how}. What was read of it since the last commit is left out.",
            topic
        );

    private async Task MeetAsync(Question[] topics, TimeSpan patience, CancellationToken cancel)
    {
        var logs = topics
            .SelectMany(t =>
                t.Partitions.Select(p => new StoredLog(new TopicPartition(t.Name, p.Partition), p, _mayBeGone.GetValueOrDefault(t.Name)))
            )
            .ToArray();
        foreach (
            var (id, verdict) in await meeting
                .CompareAsync(logs, patience < LogProber.Patience ? patience : LogProber.Patience, cancel)
                .ConfigureAwait(false)
        )
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

    /// <param name="Partitions">Those whose logs are met again where the brokers give no ids.</param>
    private sealed record Question(TopicEntry Topic, PartitionEntry[] Partitions)
    {
        public string Name => Topic.Name;
    }

    private static KafkaBackupException Unasked(string topic, KafkaBackupException cause) =>
        cause.Definition.With(
            $"Topic {topic} could not be checked at the end, so it may have been deleted and created again meanwhile: {cause.Message}",
            topic,
            "Run again when the cluster is back: the backup goes on from there.",
            cause
        );
}
