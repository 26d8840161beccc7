using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Storage.S3;

namespace KafkaBackup.Engine.Tests.Storage.S3;

public sealed class S3OptionTests
{
    [Theory]
    [InlineData("endpoint", "http://minio:9000", "plain HTTP")]
    [InlineData("endpoint", "minio:9000", "not an http or https address")]
    [InlineData("endpoint", "https://user:pw@minio:9000", "user name or a password")]
    [InlineData("endpoint", "https://minio:9000/?x=1", "query")]
    [InlineData("path_style", "yes", "path_style")]
    [InlineData("allow_http", "1", "allow_http")]
    [InlineData("sse", "AES128", "AES128")]
    [InlineData("region", "Frankfurt am Main", "not the name of a region")]
    [InlineData("region", "eu-west-1.amazonaws.com", "not the name of a region")]
    [InlineData("sse_kms_key_id", "key", "only with sse: aws:kms")]
    [InlineData("storage_class", "GLACIER", "thawed")]
    [InlineData("storage_class", "deep_archive", "thawed")]
    [InlineData("object_lock_days", "0", "object_lock_days")]
    [InlineData("object_lock_days", "-1", "object_lock_days")]
    [InlineData("object_lock_days", "soon", "object_lock_days")]
    [InlineData("reggion", "eu-west-1", "reggion")]
    public void C5_an_option_that_cannot_be_is_refused_by_name_before_any_request(string name, string value, string message)
    {
        var error = Refused(
            new StoreSettings
            {
                Path = "s3://bucket/prefix",
                Options = new Dictionary<string, string> { [name] = value },
            }
        );

        Assert.Equal(ErrorIds.StoreConfiguration.Id, error.ErrorId);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("pw", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("s3://")]
    [InlineData("s3:///prefix")]
    [InlineData("s3://b/prefix")]
    [InlineData("s3://bu cket/prefix")]
    [InlineData("s3://bucket/a/../b")]
    [InlineData("s3://bucket/a//b")]
    [InlineData("s3://bucket/a\\b")]
    public void C6_a_path_that_is_none_is_refused(string path) =>
        Assert.Equal(ErrorIds.InvalidPath.Id, Refused(new StoreSettings { Path = path }).ErrorId);

    [Fact]
    public void C5_half_a_pair_of_keys_is_refused()
    {
        var settings = new StoreSettings { Path = "s3://bucket" };
        Assert.Contains("secret_key", Refused(settings with { AccessKey = "a" }).Message, StringComparison.Ordinal);
        Assert.Contains("access_key", Refused(settings with { SecretKey = new Secret("s") }).Message, StringComparison.Ordinal);
        Assert.Equal(ErrorIds.StoreConfiguration.Id, Refused(settings with { SessionToken = new Secret("t") }).ErrorId);
        Assert.Contains(
            "profile",
            Refused(
                settings with
                {
                    AccessKey = "a",
                    SecretKey = new Secret("s"),
                    Options = new Dictionary<string, string> { ["profile"] = "p" },
                }
            ).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("a", "", "secret_key")]
    [InlineData("", "s", "access_key")]
    public void C5_an_empty_key_is_refused_as_that_and_not_taken_for_missing_roles(string access, string secret, string named)
    {
        var error = Refused(
            new StoreSettings
            {
                Path = "s3://bucket",
                AccessKey = access,
                SecretKey = new Secret(secret),
            }
        );

        Assert.Equal(ErrorIds.StoreConfiguration.Id, error.ErrorId);
        Assert.Contains($"{named} is empty", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void C5_keys_in_the_path_are_refused_and_not_repeated()
    {
        var error = Refused(new StoreSettings { Path = "s3://key:a-secret@bucket/prefix" });

        Assert.Equal(ErrorIds.InvalidPath.Id, error.ErrorId);
        Assert.DoesNotContain("a-secret", error + error.Advice + error.TargetObject, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("s3://bucket/a:b")]
    [InlineData("s3://bucket/a//b")]
    [InlineData("s3://bucket/a/../b")]
    public void C5_a_prefix_that_cannot_be_used_is_called_a_prefix(string path)
    {
        var error = Refused(new StoreSettings { Path = path });

        Assert.Equal(ErrorIds.InvalidPath.Id, error.ErrorId);
        Assert.StartsWith("The prefix '", error.Message, StringComparison.Ordinal);
        Assert.Contains("':'", error.Advice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("s3://bucket", "s3://bucket")]
    [InlineData("s3://bucket/", "s3://bucket")]
    [InlineData("S3://bucket/a/b/", "s3://bucket/a/b")]
    public async Task C6_the_location_is_the_path_without_a_slash_at_its_end(string path, string expected)
    {
        await using var store = StoreBackends.Known.Open(
            new StoreSettings
            {
                Path = path,
                AccessKey = "a",
                SecretKey = new Secret("s"),
            },
            TimeProvider.System
        );

        Assert.Equal(expected, store.Location);
        Assert.IsType<S3Store>(store);
    }

    private static KafkaBackupException Refused(StoreSettings settings) =>
        Assert.Throws<KafkaBackupException>(() => StoreBackends.Known.Open(settings, TimeProvider.System));
}
