using System.Globalization;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Catalog;

/// <summary>
/// A damaged segment that a rebuilt manifest cannot name. The gap that it leaves remembers its key: its undamaged blocks, or a whole copy
/// that is put back in its place, are all that is left of those records, so nobody may take the file for a leftover.
/// </summary>
internal static class LeftOutSegment
{
    private const string Reason = "left out because it is damaged: ";
    private const string Prefix = "segment-";
    private const int Digits = 20;

    public static GapEntry ToGap(string key, long end, DateTimeOffset now) => new(FirstOffsetOf(key) ?? 0, end, Reason + key, now);

    /// <summary>Null for a gap of any other reason.</summary>
    public static string? KeyOf(GapEntry gap) =>
        gap.Reason.StartsWith(Reason, StringComparison.Ordinal) ? gap.Reason[Reason.Length..] : null;

    public static IEnumerable<string> In(Manifest manifest) =>
        manifest.Topics.Values.SelectMany(t => t.Partitions.Values).SelectMany(p => p.Gaps).Select(KeyOf).OfType<string>();

    /// <summary>As its name tells it; null for a name that is not of our making.</summary>
    public static long? FirstOffsetOf(string key)
    {
        var name = key[(key.LastIndexOf('/') + 1)..];
        return
            name.StartsWith(Prefix, StringComparison.Ordinal)
            && name.Length > Prefix.Length + Digits
            && long.TryParse(name.AsSpan(Prefix.Length, Digits), NumberStyles.None, CultureInfo.InvariantCulture, out var offset)
            ? offset
            : null;
    }
}
