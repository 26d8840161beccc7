using KafkaBackup.Engine.Format.Segments;
using KafkaBackup.Testing.Records;
using Xunit;

namespace KafkaBackup.Engine.Tests.Format;

/// <summary>Reads damaged segments in every way there is.</summary>
internal static class Corruption
{
    /// <summary>Null for damage, which is the finding that a reader owes.</summary>
    public static async Task<IReadOnlyList<TestRecord>?> RecordsOrDamageAsync(ReadOnlyMemory<byte> file)
    {
        try
        {
            return await SegmentImage.ReadAsync(file);
        }
        catch (SegmentDamagedException)
        {
            return null;
        }
        catch (KafkaBackupException tooNew) when (tooNew.ErrorId == ErrorIds.FormatTooNew.Id)
        {
            return null;
        }
    }

    public static async Task<bool> IsFoundByCheckAsync(ReadOnlyMemory<byte> file)
    {
        try
        {
            return !(await SegmentImage.CheckAsync(file)).IsWhole;
        }
        catch (KafkaBackupException tooNew) when (tooNew.ErrorId == ErrorIds.FormatTooNew.Id)
        {
            return true;
        }
    }

    /// <summary>Each byte in turn, its lowest bit and all its bits: found by a read of all records and by a check.</summary>
    public static async Task EveryFlipIsFoundAsync(byte[] file)
    {
        Assert.NotNull(await RecordsOrDamageAsync(file));
        Assert.False(await IsFoundByCheckAsync(file));
        foreach (var mask in (byte[])[0x01, 0xFF])
        {
            for (var place = 0; place < file.Length; place++)
            {
                file[place] ^= mask;
                Assert.True(await RecordsOrDamageAsync(file) is null, $"Byte {place} ^ {mask} was read over.");
                Assert.True(await IsFoundByCheckAsync(file), $"Byte {place} ^ {mask} was not found by the check.");
                file[place] ^= mask;
            }
        }
    }
}
