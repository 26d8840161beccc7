using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Backup;

/// <summary>
/// Notices that a followed topic is deleted, and that it comes back (rules B8, B10). A broker that has just started may answer before it
/// knows all topics: so a topic counts as deleted when looks have missed it for a while. One that was missed for less is the same, if its
/// log says so.
/// </summary>
internal sealed class VanishedTopics(RunScope run)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly HashSet<string> _followed = new(StringComparer.Ordinal);
    private readonly HashSet<string> _gone = new(StringComparer.Ordinal);
    private readonly HashSet<string> _returned = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _missedSince = new(StringComparer.Ordinal);
    private readonly HashSet<string> _missed = new(StringComparer.Ordinal);

    /// <summary>The topics that are not in the cluster now.</summary>
    public IReadOnlyCollection<string> Gone => _gone;

    /// <param name="topics">Those of a pass that is going to be read.</param>
    public void Follow(IEnumerable<string> topics) => _followed.UnionWith(topics);

    /// <param name="there">All topics of the cluster.</param>
    public void Look(IReadOnlyDictionary<string, TopicDescription> there)
    {
        foreach (var topic in _followed.Order(StringComparer.Ordinal))
        {
            if (there.ContainsKey(topic))
            {
                _missedSince.Remove(topic);
            }
            else if (_missedSince.TryAdd(topic, run.Clock.GetTimestamp()))
            {
                _missed.Add(topic);
            }
            else if (run.Clock.GetElapsedTime(_missedSince[topic]) >= Patience && _gone.Add(topic))
            {
                Tell(topic);
            }
        }

        foreach (var topic in _gone.Where(there.ContainsKey).ToArray())
        {
            _gone.Remove(topic);
            _returned.Add(topic);
        }
    }

    /// <summary>It was away since its log was last compared with what is stored.</summary>
    public bool WasMissed(string topic) => _missed.Contains(topic);

    /// <summary>The logs of the topics that are there have been compared.</summary>
    public void Compared(IReadOnlyDictionary<string, TopicDescription> there) => _missed.RemoveWhere(there.ContainsKey);

    /// <summary>
    /// A topic that was away is another one, unless its id says that it is the same. Without ids its log might look like the old one's;
    /// whether it is, a new run finds out.
    /// </summary>
    public IReadOnlyList<PartitionWork> Judge(IReadOnlyList<PartitionWork> works, IReadOnlyDictionary<string, TopicDescription> there) =>
        [
            .. works.Select(w =>
                _returned.Contains(w.Id.Topic)
                && there[w.Id.Topic].TopicId is null
                && (w.Refused is null || w.Refused.Definition == ErrorIds.LogTruncated)
                    ? w with
                    {
                        Refused = ErrorIds.TopicRecreated.With(
                            $"Topic {w.Id.Topic} was gone from the cluster {run.Cluster.Address} and is there again: it was deleted and created again while this backup followed it.",
                            w.Id.Topic
                        ),
                    }
                    : w
            ),
        ];

    private void Tell(string topic)
    {
        var error = ErrorIds.TopicNotFound.With(
            $"Topic {topic} is no longer in the cluster {run.Cluster.Address}: it was deleted while this backup followed it.",
            topic
        );
        run.Status.Trouble(error);
        run.Status.Forget(topic);
        run.Findings.Add(
            new Finding(
                FindingSeverity.Warning,
                FindingKind.PartitionTrouble,
                topic,
                $"{error.Message} What was stored of it stays in the backup.",
                "If that was a mistake, restore it from this backup, and back it up under a new backup id from then on; if it was meant, start the backup again without it."
            )
        );
    }
}
