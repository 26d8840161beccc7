namespace KafkaBackup;

/// <summary>
/// One partition of one topic. Topic names are case-sensitive. A class, for the collections of classes come compiled with the runtime;
/// those of a struct of our own would be compiled again in each process, hundreds of methods before a run's first record.
/// </summary>
public sealed record TopicPartition(string Topic, int Partition) : IComparable<TopicPartition>
{
    public int CompareTo(TopicPartition? other)
    {
        if (other is null)
        {
            return 1;
        }

        var byTopic = string.CompareOrdinal(Topic, other.Topic);
        return byTopic != 0 ? byTopic : Partition.CompareTo(other.Partition);
    }

    /// <summary>The form users read and type: <c>orders/3</c>.</summary>
    public override string ToString() => $"{Topic}/{Partition}";

    public static bool operator <(TopicPartition left, TopicPartition right) => left.CompareTo(right) < 0;

    public static bool operator <=(TopicPartition left, TopicPartition right) => left.CompareTo(right) <= 0;

    public static bool operator >(TopicPartition left, TopicPartition right) => left.CompareTo(right) > 0;

    public static bool operator >=(TopicPartition left, TopicPartition right) => left.CompareTo(right) >= 0;
}
