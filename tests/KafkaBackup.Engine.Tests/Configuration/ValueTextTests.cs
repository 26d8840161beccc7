using Xunit;

namespace KafkaBackup.Engine.Tests.Configuration;

public sealed class ValueTextTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);

    [Theory]
    [InlineData("1705312800000", 1705312800000)]
    [InlineData(" 1705312800000 ", 1705312800000)]
    [InlineData("0", 0)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("2024-01-15T10:00:00Z", 1705312800000)]
    [InlineData("2024-01-15T10:00Z", 1705312800000)]
    [InlineData("2024-01-15 10:00:00Z", 1705312800000)]
    [InlineData("2024-01-15T11:00:00+01:00", 1705312800000)]
    [InlineData("2024-01-15T11:00:00+01", 1705312800000)]
    [InlineData("2024-01-15T05:30:00.000-0430", 1705312800000)]
    [InlineData("2024-01-15T10:00:00.1234567Z", 1705312800123)]
    [InlineData("2024-01-15T10:00:00.5Z", 1705312800500)]
    [InlineData("2024-01-15Z", 1705276800000)]
    public void A5_a_time_is_read_exactly(string text, long expected) => Assert.Equal(expected, TimeText.Parse(text, Now));

    [Theory]
    [InlineData("-2h", 2 * 3600 * 1000L)]
    [InlineData("-7d", 7 * 86400 * 1000L)]
    [InlineData("-30m", 1800 * 1000L)]
    [InlineData("-45s", 45 * 1000L)]
    [InlineData("-1d12h", 36 * 3600 * 1000L)]
    [InlineData("-250ms", 250L)]
    [InlineData("now", 0L)]
    public void A5a_a_time_before_now_is_relative_to_the_clock_given(string text, long before) =>
        Assert.Equal(Now.ToUnixTimeMilliseconds() - before, TimeText.Parse(text, Now));

    [Theory]
    [InlineData("2024-01-15T10:00:00.0005Z", 1705312800000, 1705312800001)]
    [InlineData("2024-01-15T10:00:00.000000001Z", 1705312800000, 1705312800001)]
    [InlineData("2024-01-15T10:00:00.9999Z", 1705312800999, 1705312801000)]
    [InlineData("2024-01-15T10:00:00.001000Z", 1705312800001, 1705312800001)]
    [InlineData("1705312800000", 1705312800000, 1705312800000)]
    public void A5_a_time_between_two_milliseconds_takes_nothing_outside_a_window(string text, long end, long start)
    {
        Assert.Equal(end, TimeText.Parse(text, Now));
        Assert.Equal(start, TimeText.Parse(text, Now, TimeRounding.Up));
    }

    [Theory]
    [InlineData("-2h")]
    [InlineData("now")]
    public void A5_a_relative_time_rounds_like_any_other(string text)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(1705312800000).AddTicks(3);
        Assert.Equal(1, TimeText.Parse(text, now, TimeRounding.Up) - TimeText.Parse(text, now));
    }

    [Fact]
    public void A5_now_stays_now_where_the_operation_fixes_it() => Assert.Equal(TimePoint.Now, TimeText.ParsePoint("NOW", Now));

    [Fact]
    public void A5_ten_digit_time_is_refused()
    {
        var error = Assert.Throws<KafkaBackupException>(() => TimeText.Parse("1705312800", Now));
        Assert.Contains("looks like seconds", error.Message, StringComparison.Ordinal);
        Assert.Contains("1705312800000 (2024-01-15T10:00:00Z)", error.Advice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1705312800000000", "microseconds")]
    [InlineData("1705312800000000000", "nanoseconds")]
    [InlineData("-1000", "unit")]
    public void A5_a_time_in_another_unit_is_refused(string text, string words) =>
        Assert.Contains(words, Assert.Throws<KafkaBackupException>(() => TimeText.Parse(text, Now)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("2024-01-15T10:00:00")]
    [InlineData("2024-01-15 10:00")]
    [InlineData("2024-01-15")]
    public void A5a_a_time_without_zone_is_refused_with_both_spellings(string text)
    {
        var error = Assert.Throws<KafkaBackupException>(() => TimeText.Parse(text, Now));
        Assert.Contains("no time zone", error.Message, StringComparison.Ordinal);
        Assert.Matches(@"2024-01-15T\d\d:00(:00)?Z .*2024-01-15T\d\d:00(:00)?\+01:00", error.Advice);
    }

    [Theory]
    [InlineData("")]
    [InlineData("yesterday")]
    [InlineData("2024-13-15T10:00:00Z")]
    [InlineData("2023-02-29T10:00:00Z")]
    [InlineData("2024-01-15T25:00:00Z")]
    [InlineData("2024-01-15T10:00:00+25:00")]
    [InlineData("15/01/2024 10:00")]
    [InlineData("1960-01-01T00:00:00Z")]
    [InlineData("-2x")]
    [InlineData("-")]
    [InlineData("--2h")]
    [InlineData("2h")]
    [InlineData("-90y")]
    [InlineData("-99999d")]
    [InlineData("99999999999999999999")]
    [InlineData("1705312800.5")]
    public void A5_what_is_no_time_is_refused(string text) =>
        Assert.Equal("InvalidTime", Assert.Throws<KafkaBackupException>(() => TimeText.Parse(text, Now)).ErrorId);

    [Theory]
    [InlineData("500ms", 500)]
    [InlineData("30s", 30_000)]
    [InlineData("5m", 300_000)]
    [InlineData("2h", 7_200_000)]
    [InlineData("1d", 86_400_000)]
    [InlineData("1h30m", 5_400_000)]
    [InlineData("1m500ms", 60_500)]
    [InlineData("1.5h", 5_400_000)]
    [InlineData("0s", 0)]
    [InlineData("00:05:00", 300_000)]
    [InlineData("1.00:00:00", 86_400_000)]
    public void A5a_a_duration_has_a_unit(string text, double milliseconds) =>
        Assert.Equal(milliseconds, DurationText.Parse(text).TotalMilliseconds);

    [Theory]
    [InlineData("60", "has no unit")]
    [InlineData("1.5", "has no unit")]
    [InlineData("", "not a duration")]
    [InlineData("-5m", "not a duration")]
    [InlineData("5 minutes", "not a duration")]
    [InlineData("5m1h", "not a duration")]
    [InlineData("-00:05:00", "not a duration")]
    [InlineData("999999999999d", "not a duration")]
    [InlineData("99999999999999999999999999999999h", "not a duration")]
    public void A5a_a_bare_number_and_what_is_no_duration_are_refused(string text, string words)
    {
        var error = Assert.Throws<KafkaBackupException>(() => DurationText.Parse(text));
        Assert.Equal("InvalidDuration", error.ErrorId);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0s")]
    [InlineData("1d2h3m4s5ms")]
    [InlineData("90d")]
    public void A5a_a_duration_is_spelt_as_it_is_read(string text) => Assert.Equal(text, DurationText.Spell(DurationText.Parse(text)));

    [Theory]
    [InlineData("134217728", 134217728)]
    [InlineData("0", 0)]
    [InlineData("64MB", 67108864)]
    [InlineData("64 MiB", 67108864)]
    [InlineData("1gb", 1073741824)]
    [InlineData("1.5KB", 1536)]
    [InlineData("2T", 2199023255552)]
    [InlineData("10B", 10)]
    public void A1_sizes_have_units_as_in_PowerShell(string text, long bytes) => Assert.Equal(bytes, SizeText.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("1,5MB")]
    [InlineData("64XB")]
    [InlineData("MB")]
    [InlineData("99999999999TB")]
    public void A1_what_is_no_size_is_refused(string text) =>
        Assert.Equal("InvalidSize", Assert.Throws<KafkaBackupException>(() => SizeText.Parse(text)).ErrorId);

    [Theory]
    [InlineData("PLAIN", SaslMechanism.Plain)]
    [InlineData("SCRAM-SHA-256", SaslMechanism.ScramSha256)]
    [InlineData("SCRAM-SHA256", SaslMechanism.ScramSha256)]
    [InlineData("SCRAM-SHA-512", SaslMechanism.ScramSha512)]
    [InlineData("SCRAM-SHA512", SaslMechanism.ScramSha512)]
    [InlineData("ScramSha512", SaslMechanism.ScramSha512)]
    [InlineData("OAUTHBEARER", SaslMechanism.OAuthBearer)]
    [InlineData("GSSAPI", SaslMechanism.Gssapi)]
    public void A7_mechanisms_have_several_spellings(string text, SaslMechanism expected) =>
        Assert.Equal(expected, EnumText.Parse<SaslMechanism>(text));

    [Theory]
    [InlineData("header-based", OffsetStrategy.HeaderBased)]
    [InlineData("HeaderBased", OffsetStrategy.HeaderBased)]
    [InlineData("header_based", OffsetStrategy.HeaderBased)]
    [InlineData("skip", OffsetStrategy.Skip)]
    public void A5a_enums_are_read_in_both_spellings(string text, OffsetStrategy expected) =>
        Assert.Equal(expected, EnumText.Parse<OffsetStrategy>(text));

    [Fact]
    public void A5a_enums_are_spelt_as_in_YAML()
    {
        Assert.Equal("zstd, gzip, none", EnumText.Forms<CompressionKind>());
        Assert.Equal("skip, header-based, timestamp-based, cluster-scan, manual", EnumText.Forms<OffsetStrategy>());
        Assert.Equal("PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL", EnumText.Forms<SecurityProtocol>());
        Assert.Equal("read_committed, read_uncommitted", EnumText.Forms<IsolationLevel>());
    }

    [Theory]
    [InlineData("lz4")]
    [InlineData("0")]
    [InlineData("")]
    [InlineData("zstd, gzip")]
    public void A5a_an_unknown_enum_value_names_the_valid_ones(string text) =>
        Assert.Contains(
            "zstd, gzip, none",
            Assert.Throws<KafkaBackupException>(() => EnumText.Parse<CompressionKind>(text)).Message,
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("backup-2025-01-15")]
    [InlineData("a.b_c-D9")]
    [InlineData("...x")]
    public void A8_a_backup_id_is_one_segment(string id) => Assert.Equal(id, NameRules.CheckBackupId(id));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    [InlineData("a b")]
    [InlineData("ä")]
    [InlineData("a\0")]
    [InlineData("a\n")]
    [InlineData("*")]
    [InlineData("trailing.")]
    [InlineData("con")]
    [InlineData("NUL.txt")]
    public void A8_any_other_backup_id_is_refused(string id) =>
        Assert.Equal("InvalidBackupId", Assert.Throws<KafkaBackupException>(() => NameRules.CheckBackupId(id)).ErrorId);

    [Fact]
    public void A8_a_topic_name_is_what_Kafka_allows()
    {
        Assert.All(["orders", "con", "a.b_c-D9", "...", new string('x', 249)], name => Assert.True(NameRules.IsTopicName(name), name));
        Assert.All(["", ".", "..", "a/b", "ä", "a b", new string('x', 250)], name => Assert.False(NameRules.IsTopicName(name), name));
    }

    [Fact]
    public void A5_a_window_includes_both_ends()
    {
        var window = new TimeWindow(10, 20);
        Assert.Equal([false, true, true, false], new long[] { 9, 10, 20, 21 }.Select(window.Contains));
        Assert.True(new TimeWindow(10, 10).Contains(10));
        Assert.True(default(TimeWindow).Contains(-1));
        Assert.False(new TimeWindow(0, null).Contains(-1));
        Assert.True(window.Overlaps(0, 10) && window.Overlaps(20, 30) && window.Overlaps(0, 99));
        Assert.False(window.Overlaps(0, 9) || window.Overlaps(21, 30));
        Assert.Equal("InvalidWindow", Assert.Throws<KafkaBackupException>(() => new TimeWindow(20, 10)).ErrorId);
    }
}
