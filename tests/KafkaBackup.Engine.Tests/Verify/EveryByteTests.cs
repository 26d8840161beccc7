using System.Globalization;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Format.Manifests;
using KafkaBackup.Engine.Verify;
using KafkaBackup.Testing.Storage;
using Xunit;
using Xunit.Abstractions;
using static KafkaBackup.Engine.Tests.Verify.SmallBackup;

namespace KafkaBackup.Engine.Tests.Verify;

/// <summary>The promise: any flipped byte in any file of a backup is found, named, and none crashes the check.</summary>
[Trait("Run", "Long")]
public sealed class EveryByteTests(ITestOutputHelper output)
{
    /// <summary>How many random flips; a few hundred thousand take some minutes.</summary>
    private const string FlipsVariable = "KAFKABACKUP_TEST_FLIPS";

    [Fact(Timeout = 300_000)]
    public async Task D2_every_flipped_byte_of_a_small_backup_is_found_and_named()
    {
        var sound = new MemoryStore();
        await WriteAsync(sound, 2, keptHeads: 2);
        var places = (from key in sound.Keys from at in Enumerable.Range(0, sound[key].Length) select (key, at)).ToArray();
        Assert.True(places.Length > 5000, $"{places.Length} bytes");

        await Parallel.ForEachAsync(
            places,
            new ParallelOptions { MaxDegreeOfParallelism = 2 },
            async (place, _) => await AssertFoundAsync(sound, place.key, place.at, 0xFF)
        );
    }

    /// <summary>
    /// Flips anywhere in a larger backup, each byte as likely as any other. What is in a segment can only be found by reading that segment,
    /// so only that is read again; what is in the manifest is looked for by the whole check.
    /// </summary>
    [Fact(Timeout = 3_600_000)]
    public async Task D2_random_flipped_bits_of_a_larger_backup_are_found_and_named()
    {
        var flips = int.Parse(Environment.GetEnvironmentVariable(FlipsVariable) ?? "4000", CultureInfo.InvariantCulture);
        var sound = new MemoryStore();
        await WriteAsync(sound, 12, perSegment: 200, compressions: [CompressionKind.None, CompressionKind.Zstd, CompressionKind.Gzip]);
        var segments = await PlacedAsync(sound);
        Assert.Equal(24, segments.Count);
        var files = sound.Keys.Select(key => (Key: key, sound[key].Length)).ToArray();
        var total = files.Sum(f => f.Length);
        Assert.Empty(await DeepAsync(sound, segments.Values));

        var inSegments = 0;
        await Parallel.ForEachAsync(
            Enumerable.Range(0, flips),
            new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount },
            async (number, _) =>
            {
                var random = new Random(number);
                var at = random.Next(total);
                var file = 0;
                for (; at >= files[file].Length; file++)
                {
                    at -= files[file].Length;
                }

                var (key, mask) = (files[file].Key, (byte)(1 << random.Next(8)));
                if (!segments.TryGetValue(key, out var segment))
                {
                    await AssertFoundAsync(sound, key, at, mask);
                    return;
                }

                Interlocked.Increment(ref inSegments);
                var store = sound.Clone();
                Flip(store, key, at, mask);
                var findings = await DeepAsync(store, [segment]);
                Assert.True(
                    findings.Any(f => f.Place == key && f.Severity == FindingSeverity.Error),
                    $"{key} byte {at} ^ {mask}: {string.Join("; ", findings)}"
                );
            }
        );

        output.WriteLine($"{flips} flips in {total} bytes of {files.Length} files, {inSegments} of them in segments: all found.");
        Assert.InRange(inSegments, flips / 4, flips - 1);
    }

    private static async Task<Dictionary<string, PlacedSegment>> PlacedAsync(MemoryStore store) =>
        (
            from topic in (await ManifestAsync(store)).Topics.Values
            from partition in topic.Partitions.Values
            from entry in partition.Segments
            select new PlacedSegment(topic.Name, partition.Partition, entry)
        ).ToDictionary(s => BackupKeys.Of(Id, s.Entry.Key));

    /// <summary>What the deep check does with segments.</summary>
    private static async Task<IReadOnlyList<Finding>> DeepAsync(MemoryStore store, IReadOnlyCollection<PlacedSegment> segments)
    {
        var catalog = new BackupCatalog(store);
        return (
            await new SegmentCheckRun(catalog, await catalog.OpenAsync(Id, default), TimeProvider.System, SilentEvents.Instance).RunAsync(
                segments,
                default
            )
        ).Findings;
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
