namespace KafkaBackup.LocalBroker;

/// <summary>A request as it arrived.</summary>
public sealed record LoggedRequest(
    long Number,
    DateTimeOffset Time,
    int Broker,
    ApiKey Api,
    short Version,
    string ClientId,
    int Connection,
    int Bytes
)
{
    private readonly List<TopicPartition> _partitions = [];

    /// <summary>The topics and partitions the request names; partition -1 where it names a whole topic.</summary>
    public IReadOnlyList<TopicPartition> Partitions => _partitions;

    /// <summary>The group, transactional id or other resource it names.</summary>
    public string? Resource { get; internal set; }

    /// <summary>Asks whether it would be done, and changes nothing.</summary>
    public bool OnlyValidates { get; internal set; }

    /// <summary>The name that was authenticated, or ANONYMOUS.</summary>
    public string User { get; internal init; } = "ANONYMOUS";

    internal void Name(string topic, int partition = -1) => _partitions.Add(new TopicPartition(topic, partition));

    public override string ToString() =>
        $"#{Number} {Api} v{Version} from {ClientId} to broker {Broker} {string.Join(' ', _partitions)}{Resource}";
}

public readonly record struct TopicPartition(string Topic, int Partition)
{
    public override string ToString() => Partition < 0 ? Topic : $"{Topic}[{Partition}]";
}
