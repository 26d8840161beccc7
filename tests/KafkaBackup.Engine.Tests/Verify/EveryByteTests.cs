using System.Globalization;
using KafkaBackup.Testing.Storage;
using Xunit;
using static KafkaBackup.Engine.Tests.Verify.SmallBackup;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>The promise: any flipped byte in any file of a backup is found, named, and none crashes the check.</summary>
public sealed class EveryByteTests
{
    private const string SecondsVariable = "KAFKABACKUP_TEST_FLIP_SECONDS";

    [Fact(Timeout = 300_000)]
    public async Task D2_every_flipped_byte_of_a_small_backup_is_found_and_named()
    {
        var sound = new MemoryStore();
        await WriteAsync(sound, 2, keptHeads: 2);
        var places = (from key in sound.Keys from at in Enumerable.Range(0, sound[key].Length) select (key, at)).ToArray();
        Assert.True(places.Length > 5000, $"{places.Length} bytes");

        await Parallel.ForEachAsync(places, new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (place, _) => await AssertFoundAsync(sound, place.key, place.at, 0xFF));
    }

    [Fact(Timeout = 600_000)]
    public async Task D2_random_flipped_bits_of_a_larger_backup_are_found_and_named()
    {
        var seconds = double.Parse(Environment.GetEnvironmentVariable(SecondsVariable) ?? "5", CultureInfo.InvariantCulture);
        var sound = new MemoryStore();
        await WriteAsync(sound, 12);
        var keys = sound.Keys;
        var random = new Random(20240115);
        var ends = DateTime.UtcNow.AddSeconds(seconds);
        var tried = 0;
        for (; DateTime.UtcNow < ends; tried++)
        {
            var key = keys[random.Next(keys.Count)];
            await AssertFoundAsync(sound, key, random.Next(sound[key].Length), (byte)(1 << random.Next(8)));
        }

        Assert.True(tried > 20, $"only {tried}");
    }

    private static async Task AssertFoundAsync(MemoryStore sound, string key, int at, byte mask)
    {
        var store = sound.Clone();
        Flip(store, key, at, mask);
        var report = await CheckAsync(store);
        Assert.True(report.Findings.Any(f => f.Place == key), $"{key} byte {at} ^ {mask}: {string.Join("; ", report.Findings)}");
        Assert.NotEqual(ReportStatus.Valid, report.Status);
    }
}
