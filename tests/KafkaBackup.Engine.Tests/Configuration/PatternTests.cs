using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using KafkaBackup.Engine.Configuration;
using Xunit;

namespace KafkaBackup.Engine.Tests.Configuration;

public sealed class PatternTests
{
    [Theory]
    [InlineData("orders", "orders", true)]
    [InlineData("orders", "Orders", false)]
    [InlineData("orders", "orders-2", false)]
    [InlineData("*", "anything", true)]
    [InlineData("payments-*", "payments-", true)]
    [InlineData("payments-*", "my-payments-1", false)]
    [InlineData("*-events", "user-events", true)]
    [InlineData("*-events", "user-events-2", false)]
    [InlineData("??-topic", "us-topic", true)]
    [InlineData("??-topic", "usa-topic", false)]
    [InlineData("a*b*c", "a-b-b-c", true)]
    [InlineData("a*b*c", "a-c-b", false)]
    [InlineData("a.b", "axb", false)]
    [InlineData("~orders-\\d+", "my-orders-12-x", true)]
    [InlineData("~^(payments|billing)$", "billing", true)]
    [InlineData("~^(payments|billing)$", "billing2", false)]
    [InlineData("~.*-v[0-9]+$", "topic-v12", true)]
    [InlineData("~ORDERS", "orders", false)]
    public void A4_a_pattern_matches_by_its_kind(string pattern, string topic, bool matches) =>
        Assert.Equal(matches, new TopicSelection([pattern]).Selects(topic));

    [Fact]
    public void A4_globs_agree_with_their_translation_to_a_regular_expression() =>
        Prop.ForAll(
                Gen.Elements('a', 'b', '*', '?').ArrayOf().Where(g => g.Length > 0).ToArbitrary(),
                Gen.Elements('a', 'b').ArrayOf().ToArbitrary(),
                (glob, name) =>
                {
                    var text = new string(glob);
                    var expected = Regex.IsMatch(
                        new string(name),
                        "^" + text.Replace("*", ".*", StringComparison.Ordinal).Replace("?", ".", StringComparison.Ordinal) + "$"
                    );
                    return TopicPattern.ForNames(text).Matches(new string(name)) == expected;
                }
            )
            .QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("~")]
    [InlineData("~[")]
    [InlineData("~(a")]
    [InlineData("orders[0-9]")]
    [InlineData("a,b")]
    [InlineData("a b")]
    public void A4_a_pattern_that_cannot_be_meant_is_refused(string pattern) =>
        Assert.Equal("InvalidPattern", Assert.Throws<KafkaBackupException>(() => TopicPattern.ForTopics(pattern)).ErrorId);

    [Fact]
    public void A4_an_expression_that_backtracks_without_end_is_an_error_not_a_hang()
    {
        var pattern = TopicPattern.ForTopics("~^(a+)+$");
        Assert.Equal("InvalidPattern", Assert.Throws<KafkaBackupException>(() => pattern.Matches(new string('a', 60) + "!")).ErrorId);
    }

    [Fact]
    public void A4_exclude_wins()
    {
        var topics = new TopicSelection(["*", "orders"], ["ord*", "~-test$"]);
        Assert.False(topics.Selects("orders"));
        Assert.False(topics.Selects("a-test"));
        Assert.True(topics.Selects("a-test-b"));
        Assert.Empty(topics.Literals);
    }

    [Fact]
    public void A4_names_asked_for_one_by_one_are_known() =>
        Assert.Equal(
            ["orders", "payments", "__consumer_offsets"],
            new TopicSelection(["orders", "x*", "payments", "__consumer_offsets"]).Literals
        );

    [Theory]
    [InlineData("*", false, null, false)]
    [InlineData("~.", false, null, false)]
    [InlineData("__*", false, null, true)]
    [InlineData("~^__con", false, null, true)]
    [InlineData("__consumer_offsets", false, null, true)]
    [InlineData("*", true, null, true)]
    [InlineData("orders", true, null, false)]
    [InlineData("orders", false, "__consumer_offsets", true)]
    [InlineData("*", true, "__other", false)]
    public void B12_internal_topics_are_left_out_unless_asked_for(string include, bool all, string? internalTopic, bool selected) =>
        Assert.Equal(
            selected,
            new TopicSelection([include], null, all, internalTopic is null ? null : [internalTopic]).Selects("__consumer_offsets")
        );

    [Fact]
    public void B12_an_excluded_internal_topic_stays_out() =>
        Assert.False(new TopicSelection(["*"], ["__consumer*"], true, ["__consumer_offsets"]).Selects("__consumer_offsets"));

    [Fact]
    public void A9_nothing_matched_says_what_was_looked_for_and_what_is_there()
    {
        var error = new TopicSelection(["ordres", "x-*"], ["x-1"]).NothingMatched("Backup nightly", ["orders", "payments"]);
        Assert.Equal("NothingMatched", error.ErrorId);
        Assert.Equal("Backup nightly has no topic that matches ordres, x-* (without x-1). It has: orders, payments.", error.Message);
    }

    [Fact]
    public void A9_nothing_but_internal_topics_is_explained() =>
        Assert.Contains(
            "__consumer_offsets",
            new TopicSelection(["*"]).NothingMatched("The cluster", ["__consumer_offsets"]).Advice,
            StringComparison.Ordinal
        );

    [Fact]
    public void A4_ten_thousand_names_select_among_ten_thousand_topics()
    {
        var names = Enumerable.Range(0, 10_000).Select(i => $"topic-{i}").ToArray();
        var topics = new TopicSelection([.. names, "other-*", "~^thing-\\d+$"], ["topic-7*"]);
        Assert.Equal(8_889, names.Count(topics.Selects));
    }
}
