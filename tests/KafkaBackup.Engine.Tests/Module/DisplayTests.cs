using KafkaBackup.Formatting;
using Xunit;

namespace KafkaBackup.Engine.Tests.Module;

public class DisplayTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1,023 B")]
    [InlineData(1024, "1.0 KB")]
    [InlineData(13_421_772_800, "12.5 GB")]
    [InlineData(long.MaxValue, "8,192.0 PB")]
    public void Bytes_are_in_powers_of_1024(long bytes, string shown) => Assert.Equal(shown, Display.Bytes(bytes));

    [Theory]
    [InlineData(1705312800000, "2024-01-15 10:00:00 UTC")]
    [InlineData(-1L, "-1 ms")]
    [InlineData(long.MaxValue, "9223372036854775807 ms")]
    [InlineData(null, "")]
    public void H3_a_time_that_no_calendar_holds_is_shown_as_its_milliseconds(long? milliseconds, string shown) =>
        Assert.Equal(shown, Display.Time(milliseconds));

    [Theory]
    [InlineData(1.25, "1.3s")]
    [InlineData(61, "1m 01s")]
    [InlineData(90061, "25h 01m 01s")]
    public void Durations_are_in_hours_minutes_and_seconds(double seconds, string shown) =>
        Assert.Equal(shown, Display.Duration(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void B7_null_empty_text_and_bytes_look_different() =>
        Assert.Equal(["(null)", "", "a.b", "0x00FF"], new object?[] { null, "", "a\nb", new byte[] { 0, 255 } }.Select(Display.Content));
}
