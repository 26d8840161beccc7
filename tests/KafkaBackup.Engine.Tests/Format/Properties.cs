using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using KafkaBackup.Testing.Records;

namespace KafkaBackup.Engine.Tests.Format;

/// <summary>Generators, and how properties are run.</summary>
internal static class Properties
{
    /// <summary>Hostile lists; shrunk by leaving out records and by emptying them.</summary>
    public static Arbitrary<TestRecord[]> RecordLists { get; } =
        Arb.From(
            from seed in Gen.Choose(0, int.MaxValue - 1)
            from count in Gen.Choose(1, 40)
            select new HostileRecords(seed).List(count).ToArray(),
            Shrink
        );

    public static Arbitrary<int> BlockSizes { get; } = Arb.From(Gen.Choose(1, 50), static size => size > 1 ? [1, size / 2] : []);

    public static Arbitrary<int> Seeds { get; } = Gen.Choose(0, int.MaxValue - 1).ToArbitrary();

    /// <summary>So many random cases, or as many times more as KAFKABACKUP_TEST_PROPERTIES says.</summary>
    public static Config Runs(int count) => Config.QuickThrowOnFailure.WithMaxTest(count * Times);

    private static int Times =>
        int.TryParse(Environment.GetEnvironmentVariable("KAFKABACKUP_TEST_PROPERTIES"), CultureInfo.InvariantCulture, out var times)
            ? times
            : 1;

    /// <summary>Properties are not asynchronous; what they wait for comes from memory.</summary>
    public static T Wait<T>(Task<T> task) => task.WaitAsync(TimeSpan.FromSeconds(30)).GetAwaiter().GetResult();

    private static IEnumerable<TestRecord[]> Shrink(TestRecord[] records)
    {
        if (records.Length > 1)
        {
            yield return records[..(records.Length / 2)];
            yield return records[(records.Length / 2)..];
            for (var index = 0; index < records.Length; index++)
            {
                yield return [.. records[..index], .. records[(index + 1)..]];
            }
        }

        for (var index = 0; index < records.Length; index++)
        {
            if (records[index].Headers.Count > 0)
            {
                TestRecord[] simpler = [.. records];
                simpler[index] = records[index] with { Headers = [] };
                yield return simpler;
            }
        }
    }
}
