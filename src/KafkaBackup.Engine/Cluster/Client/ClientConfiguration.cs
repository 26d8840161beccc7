using KafkaBackup.Engine.Cluster.Native;

namespace KafkaBackup.Engine.Cluster;

/// <summary>
/// What every client of one cluster has in common, as properties of the library: address, security, and the user's own options. Checked as
/// a whole when it is made, so that a wrong option is refused before anything is contacted.
/// </summary>
internal sealed class ClientConfiguration
{
    private readonly List<KeyValuePair<string, string>> _properties = [];
    private readonly Dictionary<string, string> _options = new(StringComparer.Ordinal);
    private readonly SecretScrubber _scrubber;

    public ClientConfiguration(ClusterSettings settings)
    {
        if (settings.BootstrapServers is not { Count: > 0 } servers || servers.All(string.IsNullOrWhiteSpace))
        {
            throw ErrorIds.MissingSettings.With(
                "No bootstrap servers are given, so there is no cluster to connect to.",
                "bootstrap_servers",
                "Give bootstrap_servers, or -BootstrapServer."
            );
        }

        NativeLibraryCheck.Run();
        Address = settings.Address;
        Servers = [.. servers.SelectMany(text => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];
        _scrubber = new SecretScrubber([settings.SaslPassword, settings.ClientKeyPassword, .. settings.KafkaOptions?.Values ?? []]);

        _properties.Add(new("bootstrap.servers", string.Join(',', servers)));
        _properties.Add(new("client.id", "kafkabackup"));
        _properties.Add(new("log.queue", "true"));
        _properties.Add(new("socket.keepalive.enable", "true"));

        // A broker that comes back should be found in seconds, not in the default's ten. The first back-off is also what the library waits
        // for, half of it, before each connection to a broker that it has only just heard of.
        _properties.Add(new("reconnect.backoff.ms", "100"));
        _properties.Add(new("reconnect.backoff.max.ms", "2000"));

        // Without a rack librdkafka (2.15 and 2.16) reserves too little memory for an answer about ten or more topics with short names from
        // brokers before Kafka 2.8, and drops the answer. No broker has this rack, so nothing is read from other replicas.
        _properties.Add(new("client.rack", "none"));

        // Never makes a topic by asking for one (rule H1).
        _properties.Add(new("allow.auto.create.topics", "false"));
        _properties.Add(new("enable.metrics.push", "false"));

        foreach (var (name, value) in settings.KafkaOptions ?? new Dictionary<string, Secret>())
        {
            OptionRules.Check(name);
            _options[name] = value.Reveal();
        }

        SecurityProperties.Add(settings, _options, _properties);
        Verify();
    }

    /// <summary>The bootstrap addresses, for messages.</summary>
    public string Address { get; }

    /// <summary>The same, one by one.</summary>
    public IReadOnlyList<string> Servers { get; }

    public SecretScrubber Scrubber => _scrubber;

    /// <summary>What the user gave as kafka_options, by the library's names.</summary>
    public IReadOnlyDictionary<string, string> UserOptions => _options;

    /// <summary>OAuth tokens are fetched by the library's own thread, which has to be asked for.</summary>
    public bool UsesOAuth =>
        Find("sasl.mechanisms")?.Contains("OAUTHBEARER", StringComparison.Ordinal) == true
        || Find("sasl.mechanism")?.Contains("OAUTHBEARER", StringComparison.Ordinal) == true;

    /// <summary>
    /// A configuration for one client. Promises do not give way to the user's options, which cannot name them.
    /// The caller hands it to rd_kafka_new or destroys it.
    /// </summary>
    public nint Build(IEnumerable<KeyValuePair<string, string>> promises)
    {
        var conf = LibRdKafka.rd_kafka_conf_new();
        try
        {
            foreach (var (name, value) in _properties.Where(property => !_options.ContainsKey(property.Key)))
            {
                SetOurs(conf, name, value);
            }

            foreach (var (name, value) in _options)
            {
                SetUsers(conf, name, value);
            }

            foreach (var (name, value) in promises)
            {
                SetOurs(conf, name, value);
            }

            return conf;
        }
        catch
        {
            LibRdKafka.rd_kafka_conf_destroy(conf);
            throw;
        }
    }

    private void Verify() => LibRdKafka.rd_kafka_conf_destroy(Build([]));

    /// <summary>A property's value, the user's or ours; null when neither sets it.</summary>
    public string? Find(string name) =>
        _options.TryGetValue(name, out var value)
            ? value
            : _properties.Where(property => property.Key == name).Select(property => property.Value).FirstOrDefault();

    private void SetOurs(nint conf, string name, string value)
    {
        var (result, error) = Set(conf, name, value);
        if (result != LibRdKafka.ConfOk)
        {
            throw ErrorIds.InvalidKafkaOption.With($"The client library does not accept the setting behind '{name}': {error}", name);
        }
    }

    private void SetUsers(nint conf, string name, string value)
    {
        switch (Set(conf, name, value))
        {
            case (LibRdKafka.ConfOk, _):
                return;
            case (LibRdKafka.ConfUnknown, _):
                throw ErrorIds.InvalidKafkaOption.With($"kafka_options names '{name}', which is no property of the client library.", name);
            case (_, var error):
                throw ErrorIds.InvalidKafkaOption.With(
                    $"kafka_options gives '{name}' a value that the client library does not accept: {error}",
                    name
                );
        }
    }

    private unsafe (int Result, string Error) Set(nint conf, string name, string value)
    {
        var error = stackalloc byte[512];
        var result = LibRdKafka.rd_kafka_conf_set(conf, name, value, error, 512);
        return (result, result == LibRdKafka.ConfOk ? "" : _scrubber.Scrub(LibRdKafka.Text(error)));
    }
}
