using System.Collections.Concurrent;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Verify;

/// <summary>
/// Works a manifest out from the segments themselves, on top of an older manifest where one serves. Every segment that none names is read
/// to its last byte first. What only the lost manifest knew stays lost, and is reported.
/// </summary>
internal sealed class ManifestRebuild(BackupCatalog catalog, string backupId, TimeProvider clock, IEngineEvents events)
{
    private const int SegmentsAtOnce = 4;
    private const long PoolBytes = 64L << 20;

    private readonly List<string> _actions = [];
    private readonly List<Finding> _findings = [];

    public IReadOnlyList<string> Actions => _actions;

    public IReadOnlyList<Finding> Findings => _findings;

    /// <param name="known">The newest manifest that still serves; null when none does.</param>
    public async Task<Manifest> RunAsync(Manifest? known, CancellationToken cancel)
    {
        known ??= await FindOlderAsync(cancel).ConfigureAwait(false);
        var (whole, damaged) = await ReadSegmentsAsync(known, cancel).ConfigureAwait(false);
        var owner = new SegmentOwner(backupId, known?.BackupId ?? BornAs(whole));
        var found = Accept(whole, owner);
        var described = await new StrayDescriptions(catalog.Store, backupId).FindAsync(cancel).ConfigureAwait(false);
        var topics = known?.Topics.ToDictionary(t => t.Key, t => t.Value, StringComparer.Ordinal) ?? [];
        var adopted = new List<FoundSegment>();
        foreach (var topic in found.GroupBy(f => f.Header.Topic, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            var entry = topics.GetValueOrDefault(topic.Key) ?? NewTopic(topic.Key, described.GetValueOrDefault(topic.Key));
            var partitions = entry.Partitions.ToDictionary(p => p.Key, p => p.Value);
            foreach (var group in topic.GroupBy(f => f.Header.Partition))
            {
                var chosen = SegmentChoice.Choose(partitions.GetValueOrDefault(group.Key)?.Segments ?? [], group.ToArray());
                adopted.AddRange(chosen);
                partitions[group.Key] = Extend(topic.Key, group.Key, partitions.GetValueOrDefault(group.Key), chosen);
            }

            foreach (var number in Enumerable.Range(0, Math.Max(entry.PartitionCount, partitions.Keys.Max() + 1)))
            {
                partitions.TryAdd(number, Empty(number));
            }

            topics[topic.Key] = entry with { PartitionCount = partitions.Count, Partitions = partitions };
        }

        LeaveOut(damaged, topics);
        Tell(known, found, adopted);
        return Compose(known, owner, topics, found, adopted);
    }

    /// <summary>The folder may have been renamed: then most of its segments have the id of before.</summary>
    private string BornAs(IReadOnlyList<FoundSegment> whole) =>
        whole.Any(f => f.Header.BackupId == backupId)
            ? backupId
            : whole
                .GroupBy(f => f.Header.BackupId, StringComparer.Ordinal)
                .OrderByDescending(g => g.Count())
                .ThenBy(g => g.Key, StringComparer.Ordinal)
                .FirstOrDefault()
                ?.Key
                ?? backupId;

    /// <summary>Segments of this backup that lie where their header says; the others are somebody's mistake, and stay.</summary>
    private FoundSegment[] Accept(IReadOnlyList<FoundSegment> whole, SegmentOwner owner)
    {
        var accepted = new List<FoundSegment>(whole.Count);
        foreach (var segment in whole)
        {
            var problem =
                !owner.Owns(segment.Header.BackupId) ? $"It is a segment of backup '{segment.Header.BackupId}', not of '{owner.Named}'."
                : !segment.Entry.Key.StartsWith(
                    BackupKeys.PartitionFolder(segment.Header.Topic, segment.Header.Partition),
                    StringComparison.Ordinal
                )
                    ? $"It holds records of {new TopicPartition(segment.Header.Topic, segment.Header.Partition)} but is in another folder."
                : null;
            if (problem is null)
            {
                accepted.Add(segment);
            }
            else
            {
                _findings.Add(
                    new Finding(
                        FindingSeverity.Warning,
                        FindingKind.Corrupt,
                        BackupKeys.Of(backupId, segment.Entry.Key),
                        problem,
                        "It is left out and stays where it is: move it to where it belongs and repair again, or delete it."
                    )
                );
            }
        }

        return [.. accepted];
    }

    private Manifest Compose(
        Manifest? known,
        SegmentOwner owner,
        Dictionary<string, TopicEntry> topics,
        FoundSegment[] found,
        List<FoundSegment> adopted
    )
    {
        var now = clock.GetUtcNow();
        var runs = known?.Runs.ToList() ?? [];
        foreach (var run in adopted.GroupBy(a => a.Header.RunId, StringComparer.Ordinal).Where(g => !runs.Exists(r => r.RunId == g.Key)))
        {
            runs.Add(
                new RunEntry
                {
                    RunId = run.Key,
                    StartedAt = run.Min(s => s.Header.CreatedAt),
                    EndedAt = run.Max(s => s.Header.CreatedAt),
                    State = BackupStatus.Incomplete,
                    ToolVersion = "unknown (rebuilt from segments)",
                    Isolation = IsolationLevel.ReadCommitted,
                    RequestedTopics = run.Select(s => s.Header.Topic)
                        .Distinct(StringComparer.Ordinal)
                        .Order(StringComparer.Ordinal)
                        .ToArray(),
                    RecordCount = run.Sum(s => s.Entry.RecordCount),
                }
            );
        }

        return new Manifest
        {
            // The id that the backup was born with, which its segments carry even when its folder was renamed.
            BackupId = owner.Named,
            Generation = 0,
            CreatedAt = known?.CreatedAt ?? found.Select(f => f.Header.CreatedAt).DefaultIfEmpty(now).Min(),
            UpdatedAt = now,
            SourceClusterId = known?.SourceClusterId,
            Complete = false,
            Runs = runs.OrderBy(r => r.StartedAt).ToArray(),
            Topics = topics,
            GroupSnapshots = known?.GroupSnapshots ?? [],
        };
    }

    private PartitionEntry Extend(string topic, int number, PartitionEntry? before, IReadOnlyList<FoundSegment> chosen)
    {
        if (chosen.Count == 0)
        {
            return before ?? Empty(number);
        }

        var segments = (before?.Segments ?? []).Concat(chosen.Select(c => c.Entry)).OrderBy(s => s.FirstOffset).ToArray();
        for (var i = 1; i < segments.Length; i++)
        {
            TellHole(new TopicPartition(topic, number), segments[i - 1], segments[i], before);
        }

        var newest = chosen.MaxBy(c => c.Entry.LastOffset)!;
        var isNewest = segments[^1].Key == newest.Entry.Key;
        var next = Math.Max(before?.NextOffset ?? 0, segments[^1].LastOffset + 1);
        return new PartitionEntry
        {
            Partition = number,
            CapturedStart = Math.Min(before?.CapturedStart ?? long.MaxValue, segments[0].FirstOffset),
            CapturedEnd = Math.Max(before?.CapturedEnd ?? 0, next),
            NextOffset = next,
            Complete = false,
            Gaps = (before?.Gaps ?? []).Where(g => !chosen.Any(c => c.Entry.Key == LeftOutSegment.KeyOf(g))).ToArray(),
            Segments = segments,
            LastRecord = isNewest ? newest.LastRecord : before?.LastRecord,
        };
    }

    /// <summary>
    /// Where other segments follow, the next run does not read those offsets again: the file is all that there is of them.
    /// </summary>
    private void LeaveOut(IEnumerable<string> damaged, Dictionary<string, TopicEntry> topics)
    {
        foreach (var key in damaged)
        {
            var (topic, partition) = topics
                .Values.SelectMany(t => t.Partitions.Values.Select(p => (Topic: t, Partition: p)))
                .FirstOrDefault(p =>
                    key.StartsWith(BackupKeys.PartitionFolder(p.Topic.Name, p.Partition.Partition), StringComparison.Ordinal)
                );
            if (
                LeftOutSegment.FirstOffsetOf(key) is not { } first
                || partition?.Segments.FirstOrDefault(s => s.FirstOffset > first) is not { } next
                || partition.Segments.Any(s => s.FirstOffset <= first && s.LastOffset >= first)
                || partition.Gaps.Any(g => LeftOutSegment.KeyOf(g) == key)
            )
            {
                continue;
            }

            var gap = LeftOutSegment.ToGap(key, next.FirstOffset, clock.GetUtcNow());
            topics[topic.Name] = topic with
            {
                Partitions = new Dictionary<int, PartitionEntry>(topic.Partitions)
                {
                    [partition.Partition] = partition with
                    {
                        CapturedStart = Math.Min(partition.CapturedStart, first),
                        Gaps = [.. partition.Gaps, gap],
                    },
                },
            };
        }
    }

    private void TellHole(TopicPartition place, SegmentEntry left, SegmentEntry right, PartitionEntry? before)
    {
        if (
            right.FirstOffset == left.LastOffset + 1
            || before?.Gaps.Any(g => g.FromOffset <= left.LastOffset + 1 && g.ToOffset >= right.FirstOffset) == true
            || (before is not null && before.Segments.Contains(left) && before.Segments.Contains(right))
        )
        {
            return;
        }

        _findings.Add(
            new Finding(
                FindingSeverity.Warning,
                FindingKind.Gap,
                place.ToString(),
                $"No segment of {place} holds offsets {left.LastOffset + 1} to {right.FirstOffset - 1}: compaction, transactions, a gap that the lost manifest knew of, or a lost segment.",
                "Compare with the source, or with another backup, if these offsets matter."
            )
        );
    }

    private void Tell(Manifest? known, FoundSegment[] found, List<FoundSegment> adopted)
    {
        _actions.Add(
            known is null
                ? $"Rebuild the manifest from {adopted.Count} segments with {adopted.Sum(a => a.Entry.RecordCount)} records"
                : $"Commit the manifest of generation {known.Generation} again, with {adopted.Count} segments more that were found ({adopted.Sum(a => a.Entry.RecordCount)} records)"
        );
        _actions.Add("Remove parts of the manifest that are no longer named");
        var left = found.Length - adopted.Count;
        if (left > 0)
        {
            _findings.Add(
                new Finding(
                    FindingSeverity.Information,
                    FindingKind.Orphaned,
                    BackupKeys.Of(backupId, BackupKeys.Topics),
                    $"{left} segments repeat what others hold and stay as leftovers.",
                    "Test the rebuilt backup, then run Repair-KafkaBackup again to remove them."
                )
            );
        }

        if (known is null)
        {
            _findings.Add(
                new Finding(
                    FindingSeverity.Warning,
                    FindingKind.ManifestDamaged,
                    backupId,
                    "Lost with the manifest: consumer-group offsets, gaps, the source cluster's id, runs' settings, partitions without records, and the configs of topics where nothing else tells them.",
                    "Set configs and replication when you restore (-TopicConfig, -ReplicationFactor)."
                )
            );
        }
    }

    /// <summary>The newest head whose pages can all be read, when the newest of all cannot.</summary>
    private async Task<Manifest?> FindOlderAsync(CancellationToken cancel)
    {
        var search = new HeadSearch(catalog.Store, backupId);
        foreach (var generation in Enumerable.Reverse(await search.ListGenerationsAsync(cancel).ConfigureAwait(false)))
        {
            if (await search.ReadAsync(generation, cancel).ConfigureAwait(false) is not { } head)
            {
                continue;
            }

            try
            {
                return (await new ManifestLoader(catalog.Store, backupId).LoadAsync(head, cancel).ConfigureAwait(false)).Manifest;
            }
            catch (KafkaBackupException error) when (error.Definition == ErrorIds.ManifestDamaged)
            {
                events.Verbose($"Generation {generation} cannot serve: {error.Message}");
            }
        }

        return null;
    }

    /// <summary>Every whole segment that the manifest does not name; damaged ones are told of and left where they are.</summary>
    private async Task<(IReadOnlyList<FoundSegment> Whole, IReadOnlyList<string> Damaged)> ReadSegmentsAsync(
        Manifest? known,
        CancellationToken cancel
    )
    {
        var named =
            known
                ?.Topics.Values.SelectMany(t => t.Partitions.Values)
                .SelectMany(p => p.Segments)
                .Select(s => BackupKeys.Of(backupId, s.Key))
                .ToHashSet(StringComparer.Ordinal)
            ?? [];
        var objects = new List<StoreObject>();
        await foreach (var item in catalog.Store.ListAsync(BackupKeys.Of(backupId, BackupKeys.Topics), cancel).ConfigureAwait(false))
        {
            if (!item.Key.EndsWith(BackupKeys.SegmentExtension, StringComparison.Ordinal) || named.Contains(item.Key))
            {
                continue;
            }

            if (StoreKey.IsLegal(item.Key))
            {
                objects.Add(item);
            }
            else
            {
                _findings.Add(StrangeNames.Finding(item.Key));
            }
        }

        using var pool = new BlockBufferPool(PoolBytes);
        var found = new ConcurrentBag<FoundSegment>();
        var damaged = new ConcurrentBag<(string Key, Finding Finding)>();
        var options = new ParallelOptions { MaxDegreeOfParallelism = SegmentsAtOnce, CancellationToken = cancel };
        await Parallel
            .ForEachAsync(
                objects,
                options,
                async (item, c) =>
                {
                    var check = await SegmentFile
                        .CheckAsync(
                            item.Key,
                            (offset, buffer, stop) => catalog.Store.ReadAsync(item.Key, offset, buffer, stop),
                            item.Size,
                            pool,
                            c
                        )
                        .ConfigureAwait(false);
                    if (
                        check is { IsWhole: true, Header: { } header }
                        && TopicFolder.IsTopic(header.Topic)
                        && header.Partition < ManifestValidation.MaxPartitions
                    )
                    {
                        found.Add(
                            new FoundSegment(
                                header,
                                check.Summary.ToEntry(item.Key[(backupId.Length + 1)..], header.RunId),
                                check.LastRecord
                            )
                        );
                        return;
                    }

                    foreach (var damage in check.Damages)
                    {
                        damaged.Add(
                            (
                                item.Key[(backupId.Length + 1)..],
                                damage.ToFinding() with
                                {
                                    Severity = FindingSeverity.Warning,
                                    Advice =
                                        "It is left out and left where it is: put it back from a copy and repair again, if there is one.",
                                }
                            )
                        );
                    }
                }
            )
            .ConfigureAwait(false);
        _findings.AddRange(damaged.Select(d => d.Finding).OrderBy(f => f.Place, StringComparer.Ordinal));
        return (
            found.OrderBy(f => f.Entry.Key, StringComparer.Ordinal).ToArray(),
            damaged.Select(d => d.Key).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray()
        );
    }

    private static TopicEntry NewTopic(string name, TopicDocument? described) =>
        new()
        {
            Name = name,
            TopicId = described?.TopicId,
            PartitionCount = described?.PartitionCount ?? 0,
            ReplicationFactor = described?.ReplicationFactor ?? -1,
            Configs = described?.Configs ?? [],
            Partitions = new Dictionary<int, PartitionEntry>(),
        };

    private static PartitionEntry Empty(int number) =>
        new()
        {
            Partition = number,
            CapturedStart = 0,
            CapturedEnd = 0,
            NextOffset = 0,
            Complete = false,
            Gaps = [],
            Segments = [],
        };
}

/// <summary>A whole segment in the store, and what it says of itself.</summary>
internal sealed record FoundSegment(SegmentHeader Header, SegmentEntry Entry, LastRecord? LastRecord);
