using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Messages;

/// <summary>
/// One request. It writes its body and reads its answer's body in the version that was agreed with the broker (<see
/// cref="WireWriter.Version"/>, <see cref="WireReader.Version"/>). A field that the version does not know is left out; where it must not
/// be, the request asks for <see cref="LeastVersion"/>.
/// </summary>
internal abstract class WireRequest<TAnswer>
    where TAnswer : IWireAnswer
{
    public abstract WireApi Api { get; }

    /// <summary>The oldest version that can say what this request says.</summary>
    public virtual short LeastVersion => Api.MinVersion;

    /// <summary>The newest version that can say what this request says.</summary>
    public virtual short MostVersion => Api.MaxVersion;

    /// <summary>How long the broker was asked to wait before it answers; added to the time-out.</summary>
    public virtual TimeSpan BrokerWaits => TimeSpan.Zero;

    /// <summary>How long the answer is waited for on top of that; null for what the connection's options say.</summary>
    public virtual TimeSpan? AnswerWithin => null;

    public abstract void Write(WireWriter writer);

    /// <summary>The answer must be read to its last byte. One that keeps memory of the reader's buffer retains it.</summary>
    public abstract TAnswer Read(ref WireReader reader);
}

internal interface IWireAnswer
{
    /// <summary>
    /// How long a quota held this request back, or how long the client has to wait now: see <see cref="WireApi.ClientWaitsFrom"/>.
    /// </summary>
    TimeSpan ThrottleTime { get; }
}

/// <summary>A topic with one entry for each of some of its partitions: the shape of most requests and answers.</summary>
internal readonly record struct TopicEntries<T>(string Name, IReadOnlyList<T> Partitions);

internal static class TopicEntries
{
    public static void Write<T>(WireWriter writer, IReadOnlyCollection<TopicEntries<T>>? topics, WriteElement<T> partition)
    {
        if (topics is null)
        {
            writer.ArrayLength(-1);
            return;
        }

        writer.ArrayLength(topics.Count);
        foreach (var topic in topics)
        {
            writer.String(topic.Name);
            writer.ArrayLength(topic.Partitions.Count);
            foreach (var entry in topic.Partitions)
            {
                partition(writer, entry);
            }

            writer.Tags();
        }
    }

    /// <param name="leastBytes">The fewest bytes that one partition's entry takes.</param>
    public static TopicEntries<T>[] Read<T>(ref WireReader reader, int leastBytes, ReadElement<T> partition)
    {
        const int leastBytesOfTopic = 3;
        var count = reader.ArrayLength("topics", leastBytesOfTopic);
        if (count < 0)
        {
            throw reader.Damaged("topics", "a list that must be there is missing");
        }

        var topics = count == 0 ? [] : new TopicEntries<T>[count];
        for (var i = 0; i < topics.Length; i++)
        {
            var name = reader.String("topic name");
            var partitions = reader.Array("partitions", leastBytes, partition);
            reader.SkipTags();
            topics[i] = new TopicEntries<T>(name, partitions);
        }

        return topics;
    }
}
