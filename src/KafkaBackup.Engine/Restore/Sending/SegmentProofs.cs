namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Which of the segments that a restore has read were compared, whole, with what the manifest says of them. From several threads.
/// </summary>
internal sealed class SegmentProofs
{
    private readonly object _gate = new();
    private readonly HashSet<string> _proven = new(StringComparer.Ordinal);
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    public void Add(string key, bool proven)
    {
        lock (_gate)
        {
            _read.Add(key);
            if (proven)
            {
                _proven.Add(key);
            }
        }
    }

    /// <summary>What the result says was not checked; null when all of it was.</summary>
    public string? Unproven(RestoreWork work)
    {
        lock (_gate)
        {
            var partly = work.ContentsProven ? 0 : _read.Count - _proven.Count;
            return partly == 0 ? null : UncheckedText.InPart(partly, work.Backup.IsForeign);
        }
    }
}

/// <summary>What a plan or a result has to say of contents that nothing was compared with.</summary>
internal static class UncheckedText
{
    public static string? Of(RestoreWork work)
    {
        var segments = work.ContentsProven ? [] : work.Targets.SelectMany(t => t.Sources).SelectMany(s => s.Segments).ToArray();
        if (segments.Length == 0)
        {
            return null;
        }

        var partly = segments.Count(s => !s.Whole);
        return work.Backup.IsForeign
            ? InPart(segments.Length, isForeign: true)
            : $"The contents of {Count(segments.Length)}: the restore compares each that it reads whole with the manifest's SHA-256. "
                + (partly > 0 ? $"{Count(partly)} it may read in part only, and cannot compare. " : "")
                + "Test-KafkaRestore -Deep and Test-KafkaBackup -Deep compare all of them.";
    }

    public static string InPart(int segments, bool isForeign) =>
        isForeign
            ? $"{Count(segments)} of another tool, whose manifest has no SHA-256: only their own checksums were compared."
            : $"{Count(segments)}, read only in part, with the manifest's SHA-256: each block's own checksum was right. Test-KafkaBackup -Deep compares all of them.";

    private static string Count(int segments) => segments == 1 ? "1 segment" : FormattableString.Invariant($"{segments:N0} segments");
}
