namespace KafkaBackup.Engine.Format.Manifests;

/// <summary>Between the value that the engine works with and the documents that are stored.</summary>
internal static class ManifestMapping
{
    public static RunDocument ToDocument(RunEntry run) =>
        new()
        {
            RunId = run.RunId,
            StartedAt = run.StartedAt,
            EndedAt = run.EndedAt,
            State = run.State,
            ToolVersion = run.ToolVersion,
            Isolation = run.Isolation,
            RequestedTopics = [.. run.RequestedTopics],
            ConsistentAtMs = run.ConsistentAtMs,
            RecordCount = run.RecordCount,
        };

    public static RunEntry ToEntry(RunDocument run) =>
        new()
        {
            RunId = run.RunId,
            StartedAt = run.StartedAt,
            EndedAt = run.EndedAt,
            State = run.State,
            ToolVersion = run.ToolVersion,
            Isolation = run.Isolation,
            RequestedTopics = run.RequestedTopics,
            ConsistentAtMs = run.ConsistentAtMs,
            RecordCount = run.RecordCount,
        };

    public static TopicDocument ToDocument(TopicEntry topic) =>
        new()
        {
            Name = topic.Name,
            TopicId = topic.TopicId,
            PartitionCount = topic.PartitionCount,
            ReplicationFactor = topic.ReplicationFactor,
            Configs = new SortedDictionary<string, string>(topic.Configs.ToDictionary(c => c.Key, c => c.Value), StringComparer.Ordinal),
            Partitions = [.. topic.Partitions.Values.OrderBy(p => p.Partition).Select(p => ToDocument(null, p))],
        };

    public static PartitionDocument ToDocument(string? topic, PartitionEntry partition) =>
        new()
        {
            Topic = topic,
            Partition = partition.Partition,
            CapturedStart = partition.CapturedStart,
            CapturedEnd = partition.CapturedEnd,
            NextOffset = partition.NextOffset,
            Complete = partition.Complete,
            Gaps = partition.Gaps.Count == 0 ? null : [.. partition.Gaps],
            LastRecord = partition.LastRecord,
        };

    public static TopicEntry ToEntry(TopicDocument topic, IReadOnlyDictionary<int, PartitionEntry> partitions) =>
        new()
        {
            Name = topic.Name,
            TopicId = topic.TopicId,
            PartitionCount = topic.PartitionCount,
            ReplicationFactor = topic.ReplicationFactor,
            Configs = topic.Configs,
            Partitions = partitions,
        };

    public static PartitionEntry ToEntry(PartitionDocument partition, IReadOnlyList<SegmentEntry> segments) =>
        new()
        {
            Partition = partition.Partition,
            CapturedStart = partition.CapturedStart,
            CapturedEnd = partition.CapturedEnd,
            NextOffset = partition.NextOffset,
            Complete = partition.Complete,
            Gaps = partition.Gaps is { } gaps ? gaps : [],
            LastRecord = partition.LastRecord,
            Segments = segments,
        };

    public static SegmentDocument ToDocument(PlacedSegment placed) =>
        new()
        {
            Topic = placed.Topic,
            Partition = placed.Partition,
            Key = placed.Entry.Key,
            Sha256 = placed.Entry.Sha256,
            StoredBytes = placed.Entry.StoredBytes,
            Bytes = placed.Entry.Bytes,
            RecordCount = placed.Entry.RecordCount,
            FirstOffset = placed.Entry.FirstOffset,
            LastOffset = placed.Entry.LastOffset,
            MinTimestamp = placed.Entry.MinTimestamp,
            MaxTimestamp = placed.Entry.MaxTimestamp,
            HeadTimestamp = placed.Entry.HeadTimestamp,
            LargestRecord = placed.Entry.LargestRecord,
            ZeroTimestamps = placed.Entry.ZeroTimestamps,
            RunId = placed.Entry.RunId,
        };

    /// <param name="shared">Topic names and run ids come once each: thousands of segments share them.</param>
    public static PlacedSegment ToEntry(SegmentDocument segment, Func<string, string> shared) =>
        new(
            shared(segment.Topic),
            segment.Partition,
            new SegmentEntry
            {
                Key = segment.Key,
                Sha256 = segment.Sha256,
                StoredBytes = segment.StoredBytes,
                Bytes = segment.Bytes,
                RecordCount = segment.RecordCount,
                FirstOffset = segment.FirstOffset,
                LastOffset = segment.LastOffset,
                MinTimestamp = segment.MinTimestamp,
                MaxTimestamp = segment.MaxTimestamp,
                HeadTimestamp = segment.HeadTimestamp,
                LargestRecord = segment.LargestRecord,
                ZeroTimestamps = segment.ZeroTimestamps,
                RunId = shared(segment.RunId),
            }
        );

    public static GroupSnapshotDocument ToDocument(GroupSnapshot snapshot) =>
        new()
        {
            TakenAt = snapshot.TakenAt,
            RunId = snapshot.RunId,
            Groups = [.. snapshot.Groups.Select(g => new GroupDocument { Group = g.Group, Offsets = [.. g.Offsets] })],
        };

    public static GroupSnapshot ToEntry(GroupSnapshotDocument snapshot) =>
        new(
            snapshot.TakenAt,
            snapshot.RunId,
            [
                .. snapshot.Groups.Select(g => new GroupEntry(
                    g.Group,
                    g.Offsets.ConvertAll(o => o.Metadata is null ? o with { Metadata = "" } : o)
                )),
            ]
        );
}

/// <summary>A segment and the partition it belongs to.</summary>
internal readonly record struct PlacedSegment(string Topic, int Partition, SegmentEntry Entry);
