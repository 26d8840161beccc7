using System.Globalization;
using System.Security.Cryptography;
using KafkaBackup.Engine.Rules;

namespace KafkaBackup.Engine.Catalog;

/// <summary>
/// Where a backup's objects lie. Keys "below the backup" are relative to its folder; manifests hold only those, so a backup can be moved.
/// </summary>
public static class BackupKeys
{
    public const string ManifestCopy = StoreNames.Manifest;
    public const string Lock = StoreNames.Lock;
    public const string Topics = StoreNames.Topics;
    public const string SegmentExtension = StoreNames.SegmentExtension;

    internal const string ManifestFolder = "manifest/";
    internal const string Pages = "manifest/pages/";
    internal const string PageCopies = "manifest/copies/";

    /// <summary>Generations have 20 digits, so the names of all heads begin with '0'; those of the folders beside them do not.</summary>
    internal const string HeadStart = "manifest/0";

    private const int UniqueBytes = 5;
    private const string HeadExtension = ".json";

    /// <summary>The full key of an object below a backup.</summary>
    public static string Of(string backupId, string key) => $"{backupId}/{key}";

    /// <summary>A fresh key below the backup. The unique part keeps "written once" true: a rerun never meets its own orphan.</summary>
    public static string NewSegment(string topic, int partition, long firstOffset) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{PartitionFolder(topic, partition)}segment-{firstOffset:D20}-{Unique()}{SegmentExtension}"
        );

    public static string PartitionFolder(string topic, int partition) =>
        string.Create(CultureInfo.InvariantCulture, $"{Topics}{TopicFolder.Escape(topic)}/partition={partition}/");

    internal static string Head(long generation) =>
        string.Create(CultureInfo.InvariantCulture, $"{ManifestFolder}{generation:D20}{HeadExtension}");

    /// <summary>Null for a name that is no head's.</summary>
    internal static long? GenerationOf(string key)
    {
        if (!key.StartsWith(HeadStart, StringComparison.Ordinal) || !key.EndsWith(HeadExtension, StringComparison.Ordinal))
        {
            return null;
        }

        var digits = key.AsSpan(ManifestFolder.Length, key.Length - ManifestFolder.Length - HeadExtension.Length);
        return
            digits.Length == 20
            && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var generation)
            && generation <= ManifestValidation.HighestGeneration
            ? generation
            : null;
    }

    /// <summary>Named like a head, with a number that no backup reaches: nobody may count on from there.</summary>
    internal static bool IsAbsurdHead(string key) =>
        key.StartsWith(HeadStart, StringComparison.Ordinal)
        && key.EndsWith(HeadExtension, StringComparison.Ordinal)
        && key.Length == ManifestFolder.Length + 20 + HeadExtension.Length
        && !key.AsSpan(ManifestFolder.Length, 20).ContainsAnyExceptInRange('0', '9')
        && GenerationOf(key) is null;

    internal static string NewPage(long generation, string kind) =>
        string.Create(CultureInfo.InvariantCulture, $"{Pages}{generation:D20}-{kind}-{Unique()}.json");

    internal static bool IsPageOf(string key, long generation)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{generation:D20}-");
        return key.StartsWith(Pages + name, StringComparison.Ordinal) || key.StartsWith(PageCopies + name, StringComparison.Ordinal);
    }

    internal static string CopyOfPage(string pageKey) => PageCopies + pageKey[Pages.Length..];

    internal static string Unique() => Convert.ToHexString(RandomNumberGenerator.GetBytes(UniqueBytes)).ToLowerInvariant();
}
