using System.Text;

namespace KafkaBackup.Engine.Rules;

/// <summary>The headers in which a restored record says where it came from (rule E1), as text and as they are on the wire.</summary>
public static class HeaderNames
{
    public const string OriginalOffset = "x-original-offset";
    public const string OriginalTimestamp = "x-original-timestamp";

    private static readonly byte[] OffsetBytes = Encoding.ASCII.GetBytes(OriginalOffset);
    private static readonly byte[] TimestampBytes = Encoding.ASCII.GetBytes(OriginalTimestamp);

    public static ReadOnlySpan<byte> OriginalOffsetBytes => OffsetBytes;

    public static ReadOnlySpan<byte> OriginalTimestampBytes => TimestampBytes;
}
