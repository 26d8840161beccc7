namespace KafkaBackup.Engine.Format.Manifests;

/// <summary>
/// What a backup holds, as one value: what says which segments exist and what they hold. Immutable; a commit makes a new one. How it is cut
/// into a head and pages on the store is the catalog's business and FORMAT.md's; nobody else sees that.
/// </summary>
public sealed record Manifest
{
    public required string BackupId { get; init; }

    /// <summary>Goes up by one with each commit.</summary>
    public required long Generation { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public string? SourceClusterId { get; init; }

    /// <summary>True only when the last run reached every captured end.</summary>
    public required bool Complete { get; init; }
    public required IReadOnlyList<RunEntry> Runs { get; init; }
    public required IReadOnlyDictionary<string, TopicEntry> Topics { get; init; }

    /// <summary>Newest last: one from the beginning of the last run and one from after its data.</summary>
    public required IReadOnlyList<GroupSnapshot> GroupSnapshots { get; init; }
}

/// <summary>One execution of Start-KafkaBackup.</summary>
public sealed record RunEntry
{
    public required string RunId { get; init; }
    public required DateTimeOffset StartedAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }
    public required BackupStatus State { get; init; }
    public required string ToolVersion { get; init; }
    public required IsolationLevel Isolation { get; init; }
    public required IReadOnlyList<string> RequestedTopics { get; init; }
    public long? ConsistentAtMs { get; init; }
    public long RecordCount { get; init; }
}

public sealed record TopicEntry
{
    public required string Name { get; init; }
    public string? TopicId { get; init; }
    public required int PartitionCount { get; init; }
    public required int ReplicationFactor { get; init; }

    /// <summary>Only configs that differ from the broker's defaults.</summary>
    public required IReadOnlyDictionary<string, string> Configs { get; init; }

    /// <summary>Every partition, empty ones too, by number.</summary>
    public required IReadOnlyDictionary<int, PartitionEntry> Partitions { get; init; }
}

public sealed record PartitionEntry
{
    public required int Partition { get; init; }

    /// <summary>The log's start and (exclusive) end as captured by the last run.</summary>
    public required long CapturedStart { get; init; }
    public required long CapturedEnd { get; init; }

    /// <summary>Where the next run continues: every record below it that existed is in a segment or in a gap (rule B3).</summary>
    public required long NextOffset { get; init; }
    public required bool Complete { get; init; }
    public required IReadOnlyList<GapEntry> Gaps { get; init; }

    /// <summary>In offset order, without overlap.</summary>
    public required IReadOnlyList<SegmentEntry> Segments { get; init; }

    /// <summary>The last record stored, to notice a log that was truncated and grew again (rule B8).</summary>
    public LastRecord? LastRecord { get; init; }
}

/// <summary>Offsets [FromOffset, ToOffset) that the source had lost before they could be read.</summary>
public sealed record GapEntry(long FromOffset, long ToOffset, string Reason, DateTimeOffset NoticedAt);

/// <param name="Digest">Hex SHA-256 over the record's canonical form (see RecordDigest).</param>
public sealed record LastRecord(long Offset, int LeaderEpoch, string Digest);

/// <summary>One segment: where it is, how to know it is whole, and enough to plan with.</summary>
public sealed record SegmentEntry
{
    /// <summary>Below the backup's own folder: <c>topics/orders/partition=0/segment-...kbs</c>.</summary>
    public required string Key { get; init; }

    /// <summary>Lower-case hex; empty for foreign backups, which have none.</summary>
    public required string Sha256 { get; init; }
    public required long StoredBytes { get; init; }

    /// <summary>Bytes of keys, values and headers.</summary>
    public required long Bytes { get; init; }
    public required long RecordCount { get; init; }
    public required long FirstOffset { get; init; }
    public required long LastOffset { get; init; }

    /// <summary>Over all records, -1 included; exact minimum and maximum, not first and last.</summary>
    public required long MinTimestamp { get; init; }
    public required long MaxTimestamp { get; init; }

    /// <summary>The newest (last) record's timestamp.</summary>
    public required long HeadTimestamp { get; init; }

    /// <summary>The largest record's payload bytes.</summary>
    public required int LargestRecord { get; init; }

    /// <summary>Records stamped 0, which releases before 0.2 could not restore as they were.</summary>
    public required long ZeroTimestamps { get; init; }

    /// <summary>The run that wrote it.</summary>
    public required string RunId { get; init; }
}

/// <summary>Committed offsets of all groups that have any on the selected topics, at one time.</summary>
public sealed record GroupSnapshot(DateTimeOffset TakenAt, string RunId, IReadOnlyList<GroupEntry> Groups);

public sealed record GroupEntry(string Group, IReadOnlyList<GroupOffsetEntry> Offsets);

/// <param name="TakenAt">Set for one kept from an earlier snapshot because this one could not see it anew.</param>
public sealed record GroupOffsetEntry(string Topic, int Partition, long Offset, string Metadata, DateTimeOffset? TakenAt = null);
