using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine.Verify;

/// <summary>A backup in figures, from its manifest.</summary>
internal sealed class BackupDescription(BackupCatalog catalog, StoreSettings settings)
{
    private const string Unknown = "unknown";
    private const int ForeignCompressionAt = 5;

    public async Task<BackupInfo> DescribeAsync(OpenedBackup backup, PatternSet? topics, CancellationToken cancel)
    {
        var held = DeadRuns.IsLast(backup.Manifest)
            ? await LockState.LookAsync(catalog, backup.BackupId, cancel).ConfigureAwait(false)
            : null;
        var status = Status(backup.Manifest, held);
        var manifest = status == BackupStatus.Running ? backup.Manifest : DeadRuns.End(backup.Manifest);
        var shown = manifest
            .Topics.Values.Where(t => topics is null || topics.Matches(t.Name))
            .OrderBy(t => t.Name, StringComparer.Ordinal)
            .ToArray();
        return new BackupInfo
        {
            BackupId = backup.BackupId,
            Path = catalog.Store.Location,
            StorageOption = settings.Options ?? new Dictionary<string, string>(),
            Status = status,
            CreatedAt = manifest.CreatedAt,
            UpdatedAt = manifest.UpdatedAt,
            Runs = ItemList.From(
                manifest
                    .Runs.Select(r => new BackupRunInfo(
                        r.RunId,
                        r.StartedAt,
                        r.EndedAt,
                        r.State,
                        r.ToolVersion,
                        r.Isolation,
                        r.RecordCount
                    ))
                    .ToArray()
            ),
            HeadSkew = HeadSkew.Of(manifest, shown.Select(t => t.Name).ToHashSet(StringComparer.Ordinal)),
            Gaps = ItemList.From(
                shown.SelectMany(t => t.Partitions.Values.OrderBy(p => p.Partition).SelectMany(p => Gaps(t.Name, p))).ToArray()
            ),
            ConsumerGroups = ItemList.From(manifest.GroupSnapshots.Count == 0 ? [] : Groups(manifest.GroupSnapshots[^1])),
            SourceCluster = manifest.SourceClusterId,
            Compression = await CompressionAsync(backup, cancel).ConfigureAwait(false),
            FormatVersion = backup.IsForeign ? "KBAK 1" : ManifestFile.Version.ToString(System.Globalization.CultureInfo.InvariantCulture),
            Topics = ItemList.From(shown.Select(Topic).ToArray()),
            Findings = ItemList.From(
                held is { IsOfUnknownAge: true } && held.ToFinding(backup.BackupId) is { } odd ? [.. backup.Findings, odd] : backup.Findings
            ),
        };
    }

    /// <summary>A run that says it is at work is so only as long as somebody holds the lock and shows signs of life.</summary>
    /// <param name="held">Null when no run says so.</param>
    private static BackupStatus Status(Manifest manifest, LockState? held)
    {
        if (held is not null)
        {
            return held.IsAlive ? BackupStatus.Running : BackupStatus.Incomplete;
        }

        return manifest.Complete ? BackupStatus.Complete
            : manifest.Runs is [.., var last] && last.State != BackupStatus.Complete ? last.State
            : BackupStatus.Incomplete;
    }

    /// <summary>The newest segment's header says it; a backup may have changed its mind between runs.</summary>
    private async Task<string> CompressionAsync(OpenedBackup backup, CancellationToken cancel)
    {
        var segments = backup
            .Manifest.Topics.Values.SelectMany(t => t.Partitions.Values)
            .Where(p => p.Segments.Count > 0)
            .Select(p => p.Segments[^1])
            .ToArray();
        var newest = backup.Manifest.Runs is [.., var last] ? segments.FirstOrDefault(s => s.RunId == last.RunId) : null;
        if ((newest ?? segments.FirstOrDefault()) is not { } segment)
        {
            return Unknown;
        }

        var key = BackupKeys.Of(backup.BackupId, segment.Key);
        var start = new byte[SegmentOpening.HeadGuess];
        try
        {
            var count = await catalog.Store.ReadAsync(key, 0, start, cancel).ConfigureAwait(false);
            return Compression(backup.IsForeign, key, start.AsSpan(0, count));
        }
        catch (KafkaBackupException error) when (error.Definition == ErrorIds.StoreObjectMissing || error.Definition == ErrorIds.StoreRead)
        {
            // That the segment is missing is for Test-KafkaBackup to say; here it costs one word.
            return Unknown;
        }
    }

    private static string Compression(bool isForeign, string key, ReadOnlySpan<byte> start)
    {
        if (isForeign)
        {
            return start.Length <= ForeignCompressionAt
                ? Unknown
                : start[ForeignCompressionAt] switch
                {
                    0 => "none",
                    1 => "zstd",
                    2 => "lz4",
                    _ => Unknown,
                };
        }

        return
            start.Length >= SegmentHeader.PrefixSize
            && SegmentHeader.LengthFrom(start) is { } length
            && length <= start.Length
            && SegmentHeader.Decode(start[..length], key, out _) is { } header
            ? EnumText.Spell(header.Compression)
            : Unknown;
    }

    private static BackupTopicInfo Topic(TopicEntry topic) =>
        new()
        {
            Topic = topic.Name,
            TopicId = topic.TopicId,
            ReplicationFactor = topic.ReplicationFactor,
            Configs = topic.Configs,
            Partitions = ItemList.From(topic.Partitions.Values.OrderBy(p => p.Partition).Select(p => Partition(topic.Name, p)).ToArray()),
        };

    private static BackupPartitionInfo Partition(string topic, PartitionEntry partition)
    {
        var segments = partition.Segments;
        return new BackupPartitionInfo
        {
            Topic = topic,
            Partition = partition.Partition,
            Complete = partition.Complete,
            CapturedStart = partition.CapturedStart,
            CapturedEnd = partition.CapturedEnd,
            NextOffset = partition.NextOffset,
            FirstOffset = segments.Count == 0 ? null : segments[0].FirstOffset,
            LastOffset = segments.Count == 0 ? null : segments[^1].LastOffset,
            SegmentCount = segments.Count,
            RecordCount = segments.Sum(s => s.RecordCount),
            Bytes = segments.Sum(s => s.Bytes),
            StoredBytes = segments.Sum(s => s.StoredBytes),
            FirstTimestampMs = Known(segments.Count == 0 ? null : segments.Min(s => s.MinTimestamp)),
            LastTimestampMs = Known(segments.Count == 0 ? null : segments.Max(s => s.MaxTimestamp)),
            Gaps = ItemList.From(Gaps(topic, partition).ToArray()),
        };
    }

    /// <summary>Another tool's manifest does not know the extremes.</summary>
    private static long? Known(long? timestamp) => timestamp is long.MinValue or long.MaxValue ? null : timestamp;

    private static IEnumerable<GapInfo> Gaps(string topic, PartitionEntry partition) =>
        partition.Gaps.Select(g => new GapInfo(topic, partition.Partition, g.FromOffset, g.ToOffset, g.Reason));

    private static ConsumerGroupInfo[] Groups(GroupSnapshot snapshot) =>
        snapshot
            .Groups.Select(g => new ConsumerGroupInfo(
                g.Group,
                ItemList.From(
                    g.Offsets.Select(o => new ConsumerOffsetInfo(o.Topic, o.Partition, o.Offset, o.Metadata, o.TakenAt ?? snapshot.TakenAt))
                        .ToArray()
                )
            ))
            .ToArray();
}
