namespace KafkaBackup.Engine.Format.Segments;

public enum DamageKind
{
    /// <summary>The file ends before a segment does.</summary>
    Truncated,

    /// <summary>Bytes are not what was written.</summary>
    Corrupt,
}

/// <summary>Damage to one segment: what, and where.</summary>
/// <param name="Place">The segment's key or path.</param>
/// <param name="FileOffset">The byte where the damaged part starts.</param>
/// <param name="Block">The block's number, from 0; null outside of the blocks.</param>
/// <param name="FirstOffset">The record offsets that are affected, both inclusive, where they are known.</param>
public sealed record SegmentDamage(
    DamageKind Kind,
    string Place,
    long FileOffset,
    int? Block,
    string Problem,
    long? FirstOffset = null,
    long? LastOffset = null
)
{
    internal const string AnotherFile = "it is whole, but it is not the file that the manifest names (SHA-256 differs)";

    public string Message
    {
        get
        {
            var block = Block is { } number ? $" (block {number})" : "";
            var records = FirstOffset is { } first ? $"; records at offsets {first} to {LastOffset} are affected" : "";
            var what = Kind == DamageKind.Truncated ? "is cut short" : "is damaged";
            return $"Segment '{Place}' {what} at byte {FileOffset}{block}: {Problem}{records}.";
        }
    }

    public Finding ToFinding() =>
        new(
            FindingSeverity.Error,
            Kind == DamageKind.Truncated ? FindingKind.Truncated : FindingKind.Corrupt,
            Place,
            Message,
            ErrorIds.SegmentCorrupt.Advice
        );

    public KafkaBackupException ToError(Exception? inner = null) => ErrorIds.SegmentCorrupt.With(Message, Place, inner: inner);
}

/// <summary>A segment is not what was written. Those who read for users turn it into an error or a finding.</summary>
public sealed class SegmentDamagedException(SegmentDamage damage) : Exception(damage.Message)
{
    public SegmentDamage Damage => damage;
}
