using System.Text.Json.Serialization;

namespace KafkaBackup.Engine.Format.Manifests;

// What the JSON of heads and pages looks like; MANIFEST.md describes it. Plain classes with setters, because these are what the generated
// serializer reads without boxing; nobody outside this folder and the catalog sees them.

/// <summary>
/// The whole of a head's file. Format, version and sha256 stay where they are in every version, so that a newer one is recognised.
/// </summary>
internal sealed class HeadFile
{
    public string Format { get; set; } = ManifestFile.HeadFormat;

    public int Version { get; set; } = ManifestFile.Version;

    public string Sha256 { get; set; } = ManifestFile.NoChecksum;

    public HeadDocument Head { get; set; } = new();
}

internal sealed class HeadDocument
{
    public string BackupId { get; set; } = "";

    public long Generation { get; set; }

    public DateTimeOffset CreatedAt { get; set; }

    public DateTimeOffset UpdatedAt { get; set; }

    public string? SourceClusterId { get; set; }

    public bool Complete { get; set; }

    /// <summary>For people, and to notice a page that is missing from the list.</summary>
    public long SegmentCount { get; set; }

    public List<PageReference> RunPages { get; set; } = [];

    public List<RunDocument> Runs { get; set; } = [];

    public List<PageReference> TopicPages { get; set; } = [];

    /// <summary>States that are newer than the topic pages'.</summary>
    public List<PartitionDocument> Partitions { get; set; } = [];

    public List<PageReference> SegmentPages { get; set; } = [];

    /// <summary>Segments that are in no page yet.</summary>
    public List<SegmentDocument> Segments { get; set; } = [];

    public List<PageReference> GroupPages { get; set; } = [];

    public List<RetiredReference> Retired { get; set; } = [];
}

/// <summary>An immutable page: where it is below the backup's folder, and how to know it is whole.</summary>
internal sealed record PageReference(string Key, string Sha256, long Size, int Items);

/// <summary>A page of keys that no head from this generation on names: deleted once all older heads are gone.</summary>
internal sealed record RetiredReference(long Generation, PageReference Page);

internal sealed class PageFile
{
    public string Format { get; set; } = ManifestFile.PageFormat;

    public int Version { get; set; } = ManifestFile.Version;

    public string BackupId { get; set; } = "";

    public List<RunDocument>? Runs { get; set; }

    public List<TopicDocument>? Topics { get; set; }

    public List<SegmentDocument>? Segments { get; set; }

    public GroupSnapshotDocument? Groups { get; set; }

    public List<string>? Retired { get; set; }
}

internal sealed class RunDocument
{
    public string RunId { get; set; } = "";

    public DateTimeOffset StartedAt { get; set; }

    public DateTimeOffset? EndedAt { get; set; }

    public BackupStatus State { get; set; }

    public string ToolVersion { get; set; } = "";

    public IsolationLevel Isolation { get; set; }

    public List<string> RequestedTopics { get; set; } = [];

    public long? ConsistentAtMs { get; set; }

    public long RecordCount { get; set; }
}

internal sealed class TopicDocument
{
    public string Name { get; set; } = "";

    public string? TopicId { get; set; }

    public int PartitionCount { get; set; }

    public int ReplicationFactor { get; set; }

    public SortedDictionary<string, string> Configs { get; set; } = new(StringComparer.Ordinal);

    public List<PartitionDocument> Partitions { get; set; } = [];
}

/// <summary>One partition without its segments. The topic's name is given in heads only; in a page it stands above.</summary>
internal sealed class PartitionDocument
{
    public string? Topic { get; set; }

    public int Partition { get; set; }

    public long CapturedStart { get; set; }

    public long CapturedEnd { get; set; }

    public long NextOffset { get; set; }

    public bool Complete { get; set; }

    public List<GapEntry>? Gaps { get; set; }

    public LastRecord? LastRecord { get; set; }
}

internal sealed class SegmentDocument
{
    public string Topic { get; set; } = "";

    public int Partition { get; set; }

    public string Key { get; set; } = "";

    public string Sha256 { get; set; } = "";

    public long StoredBytes { get; set; }

    public long Bytes { get; set; }

    public long RecordCount { get; set; }

    public long FirstOffset { get; set; }

    public long LastOffset { get; set; }

    public long MinTimestamp { get; set; }

    public long MaxTimestamp { get; set; }

    public long HeadTimestamp { get; set; }

    public int LargestRecord { get; set; }

    public long ZeroTimestamps { get; set; }

    public string RunId { get; set; } = "";
}

internal sealed class GroupSnapshotDocument
{
    public DateTimeOffset TakenAt { get; set; }

    public string RunId { get; set; } = "";

    public List<GroupDocument> Groups { get; set; } = [];
}

internal sealed class GroupDocument
{
    public string Group { get; set; } = "";

    public List<GroupOffsetEntry> Offsets { get; set; } = [];
}

/// <summary>Heads are for people as well: indented. Pages are for the machine.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(HeadFile))]
internal sealed partial class HeadJson : JsonSerializerContext;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull
)]
[JsonSerializable(typeof(PageFile))]
internal sealed partial class PageJson : JsonSerializerContext;
