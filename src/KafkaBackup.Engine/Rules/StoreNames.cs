namespace KafkaBackup.Engine.Rules;

/// <summary>Names of files and folders that a backup has in every store, and that stores treat in a way of their own.</summary>
public static class StoreNames
{
    /// <summary>The newest head's copy for people.</summary>
    public const string Manifest = "manifest.json";

    public const string Lock = "lock.json";

    public const string SegmentExtension = ".kbs";

    /// <summary>Below it are the segments, by topic and partition.</summary>
    public const string Topics = "topics/";
}
