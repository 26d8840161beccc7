using FsCheck;
using FsCheck.Fluent;
using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Storage;
using Xunit;

namespace KafkaBackup.Engine.Tests.Catalog;

public sealed class TopicFolderTests
{
    private const string Legal = "abcxyz019._-ABCXYZ";

    private static Gen<string> Topics =>
        Gen.OneOf(
            Names(Gen.Choose(1, 12)),
            Names(Gen.Choose(1, 249)),
            Gen.Choose(1, 249).Select(n => new string('A', n)),
            Gen.Choose(1, 249).Select(n => string.Concat(Enumerable.Range(0, n).Select(i => i % 2 == 0 ? 'a' : 'B'))),
            Gen.Choose(3, 249).Select(n => new string('.', n)),
            Gen.Elements(
                "con",
                "CON",
                "con.txt",
                "nul",
                "aux.",
                "com1",
                "lpt9.x.y",
                "prn",
                "com10",
                "icon",
                "Orders",
                "orders",
                ".hidden",
                "trailing.",
                "..."
            )
        );

    [Theory]
    [InlineData("orders", "orders")]
    [InlineData("my-topic_2.events", "my-topic_2.events")]
    [InlineData("Orders", "!orders")]
    [InlineData("ordersV2", "orders!v2")]
    [InlineData("con", "!0con")]
    [InlineData("CON", "!c!o!n")]
    [InlineData("con.log", "!0con.log")]
    [InlineData("icon", "icon")]
    [InlineData("com1", "!0com1")]
    [InlineData("com10", "com10")]
    [InlineData("dot.", "dot!1")]
    [InlineData(".dot", "!1dot")]
    [InlineData("...", "!1.!1")]
    [InlineData("__consumer_offsets", "__consumer_offsets")]
    public void C6_topic_folders_are_plain_where_they_can_be(string topic, string folder)
    {
        Assert.Equal(folder, TopicFolder.Escape(topic));
        Assert.Equal(topic, TopicFolder.Unescape(folder));
    }

    [Fact]
    public void C6_every_legal_topic_name_comes_back_from_its_folder()
    {
        Prop.ForAll(Topics.Where(TopicFolder.IsTopic).ToArbitrary(), topic => TopicFolder.Unescape(TopicFolder.Escape(topic)) == topic)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(3000));
    }

    [Fact]
    public void C6_every_folder_is_a_name_that_all_file_systems_take()
    {
        Prop.ForAll(
                Topics.Where(TopicFolder.IsTopic).ToArbitrary(),
                topic =>
                {
                    var folder = TopicFolder.Escape(topic);
                    StoreKey.Check(folder);
                    return folder.Split('/').All(IsSafeEverywhere);
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(3000));
    }

    [Fact]
    public void C6_different_topics_never_share_a_folder_even_where_case_is_ignored()
    {
        Prop.ForAll(
                Topics.Two().Where(t => TopicFolder.IsTopic(t.Item1) && TopicFolder.IsTopic(t.Item2) && t.Item1 != t.Item2).ToArbitrary(),
                pair => !string.Equals(TopicFolder.Escape(pair.Item1), TopicFolder.Escape(pair.Item2), StringComparison.OrdinalIgnoreCase)
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(3000));
    }

    [Theory]
    [InlineData("Orders")]
    [InlineData("con")]
    [InlineData("!")]
    [InlineData("!x!")]
    [InlineData("!9a")]
    [InlineData("!0orders")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("")]
    public void C6_what_no_topic_is_escaped_to_is_no_topics_folder(string folder) => Assert.Null(TopicFolder.Unescape(folder));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("ü")]
    public void A8_what_kafka_does_not_allow_is_refused(string topic) =>
        Assert.Equal(nameof(ErrorIds.TopicNotFound), Assert.Throws<KafkaBackupException>(() => TopicFolder.Escape(topic)).ErrorId);

    private static Gen<string> Names(Gen<int> length) =>
        length.SelectMany(n => Gen.Elements(Legal.ToCharArray()).ArrayOf(n)).Select(c => new string(c));

    private static bool IsSafeEverywhere(string part)
    {
        var device = part.Split('.')[0];
        return part.Length is > 0 and <= 255
            && !part.Any(char.IsAsciiLetterUpper)
            && part[^1] != '.'
            && part[0] != '.'
            && part.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-' or '!')
            && device is not ("con" or "prn" or "aux" or "nul")
            && !(
                device.Length == 4
                && (device.StartsWith("com", StringComparison.Ordinal) || device.StartsWith("lpt", StringComparison.Ordinal))
                && char.IsAsciiDigit(device[3])
            );
    }
}
