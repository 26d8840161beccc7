using System.Text.Json;
using KafkaBackup.Engine.Configuration;
using Xunit;

namespace KafkaBackup.Engine.Tests.Configuration;

public sealed class SecrecyTests
{
    public static TheoryData<Type> Types =>
        new(
            typeof(BackupSettings)
                .Assembly.GetTypes()
                .Where(type => type.IsPublic && type.Namespace == "KafkaBackup" && type.Name.EndsWith("Settings", StringComparison.Ordinal))
                .Concat([typeof(BackupOptions), typeof(RestoreOptions), typeof(CompareSide)])
        );

    [Theory]
    [MemberData(nameof(Types))]
    public void A3_no_settings_show_a_secret_in_their_text(Type type)
    {
        var instance = Activator.CreateInstance(type)!;
        foreach (var property in type.GetProperties().Where(p => p.CanWrite))
        {
            property.SetValue(instance, SampleValue.Of(property.PropertyType));
        }

        Assert.DoesNotContain(SampleValue.Secret, instance.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(SampleValue.Secret, $"{instance}", StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void A3_what_is_named_like_a_secret_is_one(Type type) =>
        Assert.All(
            type.GetProperties()
                .Where(p =>
                    p.Name.Contains("Password", StringComparison.Ordinal)
                    || p.Name.Contains("Secret", StringComparison.Ordinal)
                    || p.Name.EndsWith("Token", StringComparison.Ordinal)
                ),
            property => Assert.Contains(property.PropertyType, (Type[])[typeof(Secret), typeof(IReadOnlyDictionary<string, Secret>)])
        );

    [Fact]
    public void A3_a_secret_shows_itself_nowhere()
    {
        var secret = new Secret(SampleValue.Secret);
        Assert.Equal("********", secret.ToString());
        Assert.DoesNotContain(SampleValue.Secret, JsonSerializer.Serialize(secret), StringComparison.Ordinal);
        Assert.Empty(typeof(Secret).GetProperties());
    }
}
