using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace KafkaBackup.Engine.Format.Manifests;

/// <summary>Bytes of heads and pages: sealing, checking, reading. Knows nothing of where they lie.</summary>
internal static class ManifestFile
{
    /// <summary>Raised when an older program could misread what a newer one writes; MANIFEST.md says how.</summary>
    public const int Version = 1;

    public const string HeadFormat = "kafkabackup-manifest";
    public const string PageFormat = "kafkabackup-manifest-page";
    public const string NoChecksum = "0000000000000000000000000000000000000000000000000000000000000000";

    /// <summary>The checksum stands within the first bytes, whatever follows.</summary>
    private const int EnvelopeBytes = 256;

    /// <summary>The file of a head. Its checksum is taken over the whole file with the checksum's own digits read as '0'.</summary>
    public static byte[] WriteHead(HeadDocument head)
    {
        var file = JsonSerializer.SerializeToUtf8Bytes(new HeadFile { Head = head }, HeadJson.Default.HeadFile);
        var digits = FindChecksum(file);
        Encoding.ASCII.GetBytes(Hash(file)).CopyTo(file, digits);
        return file;
    }

    /// <summary>Any changed byte makes this <see cref="HeadState.Damaged"/>.</summary>
    public static HeadReading ReadHead(ReadOnlySpan<byte> file)
    {
        var digits = FindChecksum(file);
        if (digits < 0)
        {
            return Unsound(file);
        }

        var blanked = file.ToArray();
        var stored = Encoding.ASCII.GetString(file.Slice(digits, NoChecksum.Length));
        blanked.AsSpan(digits, NoChecksum.Length).Fill((byte)'0');
        if (!string.Equals(stored, Hash(blanked), StringComparison.Ordinal))
        {
            return Unsound(file);
        }

        // From here on the bytes are as somebody wrote them; a version that is not ours is a newer program's.
        var version = ReadVersion(file);
        if (version != Version)
        {
            return new HeadReading(version > Version ? HeadState.TooNew : HeadState.Damaged, null, version);
        }

        try
        {
            var head = JsonSerializer.Deserialize(file, HeadJson.Default.HeadFile)?.Head;
            return head is null ? new HeadReading(HeadState.Damaged, null, version) : new HeadReading(HeadState.Valid, head, version);
        }
        catch (JsonException)
        {
            return new HeadReading(HeadState.Damaged, null, version);
        }
    }

    public static byte[] WritePage(PageFile page) => JsonSerializer.SerializeToUtf8Bytes(page, PageJson.Default.PageFile);

    public static string Hash(ReadOnlySpan<byte> content) => Convert.ToHexString(SHA256.HashData(content)).ToLowerInvariant();

    /// <summary>Null when the bytes are not those that the reference names.</summary>
    public static PageFile? ReadPage(PageReference reference, ReadOnlySpan<byte> content)
    {
        if (content.Length != reference.Size || !string.Equals(Hash(content), reference.Sha256, StringComparison.Ordinal))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(content, PageJson.Default.PageFile);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Its version is what it says of itself, which no checksum confirms.</summary>
    private static HeadReading Unsound(ReadOnlySpan<byte> file) =>
        LooksLikeHead(file) ? new HeadReading(HeadState.Damaged, null, ReadVersion(file)) : new HeadReading(HeadState.Unknown, null, 0);

    private static bool LooksLikeHead(ReadOnlySpan<byte> file) =>
        file[..Math.Min(file.Length, EnvelopeBytes)].IndexOf("kafkabackup-manifest"u8) >= 0;

    private static int FindChecksum(ReadOnlySpan<byte> file)
    {
        var envelope = file[..Math.Min(file.Length, EnvelopeBytes)];
        var name = envelope.IndexOf("\"sha256\": \""u8);
        var digits = name + "\"sha256\": \"".Length;
        return name < 0 || digits + NoChecksum.Length > envelope.Length ? -1 : digits;
    }

    private static int ReadVersion(ReadOnlySpan<byte> file)
    {
        try
        {
            var reader = new Utf8JsonReader(file);
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1 && reader.ValueTextEquals("version"u8))
                {
                    return reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var version) ? version : 0;
                }
            }

            return 0;
        }
        catch (JsonException)
        {
            return 0;
        }
    }
}

internal enum HeadState
{
    Valid,

    /// <summary>One of ours, but changed, cut off or torn.</summary>
    Damaged,

    /// <summary>Whole, and written by a newer program.</summary>
    TooNew,

    /// <summary>Nothing that this tool ever wrote: another tool's manifest, or beyond recognition.</summary>
    Unknown,
}

internal readonly record struct HeadReading(HeadState State, HeadDocument? Head, int Version);
