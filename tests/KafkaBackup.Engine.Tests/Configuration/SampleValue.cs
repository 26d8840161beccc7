namespace KafkaBackup.Engine.Tests.Configuration;

/// <summary>Some value, not the default, of each type that settings have.</summary>
internal static class SampleValue
{
    public const string Secret = "hunter2-never-shown";

    public static object Of(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type.IsEnum)
        {
            return Enum.GetValues(type).GetValue(type.GetEnumValues().Length - 1)!;
        }

        object[] samples =
        [
            "text",
            true,
            7,
            7L,
            TimeSpan.FromSeconds(7),
            new TimePoint(7),
            new TimeWindow(1, 7),
            new Secret(Secret),
            new[] { "item" },
            new[] { 7 },
            new Dictionary<string, string> { ["name"] = "value" },
            new Dictionary<int, int> { [1] = 7 },
            new Dictionary<string, Secret> { ["name"] = new(Secret) },
            new Dictionary<string, IReadOnlyDictionary<string, string>> { ["name"] = new Dictionary<string, string>() },
            new ClusterSettings
            {
                BootstrapServers = ["h:1"],
                SaslPassword = new Secret(Secret),
                KafkaOptions = new Dictionary<string, Secret> { ["name"] = new(Secret) },
            },
            new StoreSettings
            {
                Path = "/s",
                SecretKey = new Secret(Secret),
                SessionToken = new Secret(Secret),
                Secrets = new Dictionary<string, Secret> { ["name"] = new(Secret) },
            },
            new HealthSettings { Port = 7 },
            StartOffsets.Latest,
            Engine.Configuration.TopicSelection.All,
            new Engine.Configuration.TopicConfigOverrides(
                new Dictionary<string, string> { ["name"] = "value" },
                new Dictionary<string, IReadOnlyDictionary<string, string>>()
            ),
            new CompareSide
            {
                Cluster = new ClusterSettings { SaslPassword = new Secret(Secret) },
                BackupId = "b",
            },
            new Sample(1, 7),
            new byte[] { 7 },
        ];
        return samples.First(type.IsInstanceOfType);
    }
}
