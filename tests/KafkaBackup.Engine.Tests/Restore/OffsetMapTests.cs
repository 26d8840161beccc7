using KafkaBackup.Engine.Restore;

namespace KafkaBackup.Engine.Tests.Restore;

/// <summary>Source offsets to target offsets, at every edge.</summary>
public sealed class OffsetMapTests
{
    [Theory]
    [InlineData(0, 7)] // before the first: the first
    [InlineData(99, 7)]
    [InlineData(100, 7)] // the first
    [InlineData(109, 16)] // the last before the gap
    [InlineData(110, 17)] // in the gap, at its beginning: the next restored record
    [InlineData(150, 17)]
    [InlineData(199, 17)] // in the gap, at its end
    [InlineData(200, 17)] // just behind the gap
    [InlineData(201, 18)]
    [InlineData(209, 26)] // the last before a place where only the target has a hole
    [InlineData(210, 40)]
    [InlineData(210 + 4, 44)] // the last of all
    [InlineData(215, 45)] // just behind it
    [InlineData(long.MaxValue, 45)]
    [InlineData(-1, 7)]
    public void F3_an_offset_is_translated_at_every_edge(long source, long target)
    {
        var map = new OffsetMap([new OffsetRange(100, 7, 10), new OffsetRange(200, 17, 10), new OffsetRange(210, 40, 5)]);
        Assert.Equal(target, map.Translate(source));
    }

    [Fact]
    public void F3_nothing_restored_translates_nothing() => Assert.Null(new OffsetMap().Translate(5));

    [Fact]
    public void F2_a_billion_contiguous_records_are_one_range()
    {
        var map = new OffsetMap();
        for (var i = 0; i < 1000; i++)
        {
            map.Add(i * 1_000_000L, 5 + (i * 1_000_000L), 1_000_000);
        }

        Assert.Equal(new OffsetRange(0, 5, 1_000_000_000), Assert.Single(map.Ranges));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void F3_every_offset_is_translated_as_a_look_at_all_records_would(int seed)
    {
        var random = new Random(seed);
        var map = new OffsetMap();
        var records = new List<(long Source, long Target)>();
        for (
            long source = random.Next(5), target = random.Next(5);
            records.Count < 300;
            source += random.Next(3) == 0 ? random.Next(2, 6) : 1, target += random.Next(5) == 0 ? 2 : 1
        )
        {
            records.Add((source, target));
            map.Add(source, target);
        }

        for (long offset = -2; offset < records[^1].Source + 5; offset++)
        {
            var next = records.FindIndex(r => r.Source >= offset);
            Assert.Equal(next < 0 ? records[^1].Target + 1 : records[next].Target, map.Translate(offset));
        }
    }
}
