using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Topics;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class CreateTopicsApi() : Api<CreateTopicsApi.Asked>(ApiKey.CreateTopics, 2, 7, 5)
{
    internal sealed record Asked(List<NewTopic> Topics, bool ValidateOnly);

    protected override Asked Read(Request request, WireReader body)
    {
        var topics = body.Array(t =>
        {
            var name = t.String();
            request.Log.Name(name);
            var partitions = t.Int32();
            var factor = t.Int16();
            var assignments = t.Array(a =>
            {
                var index = a.Int32();
                var brokers = a.Array(static b => b.Int32());
                a.Tags();
                return (index, brokers);
            });
            var configs = t.Array(ConfigEntry);
            t.Tags();
            var defaultPartitions = partitions == -1 && assignments.Count == 0 ? 1 : partitions;
            return new NewTopic(
                name,
                defaultPartitions,
                factor,
                configs,
                [.. assignments.OrderBy(a => a.index).Select(a => a.brokers.ToArray())]
            );
        });
        body.Int32();
        return new Asked(topics, request.Log.OnlyValidates = body.Bool());
    }

    internal static KeyValuePair<string, string?> ConfigEntry(WireReader reader)
    {
        var entry = KeyValuePair.Create(reader.String(), reader.NullableString());
        reader.Tags();
        return entry;
    }

    protected override void Answer(Request request, Asked asked, WireWriter reply)
    {
        var version = request.Version;
        reply.Int32(0);
        reply.Array(
            asked.Topics,
            (w, wanted) =>
            {
                var (error, message, topic) = Create(request, wanted, asked.ValidateOnly);
                w.String(wanted.Name);
                if (version >= 7)
                    w.Uuid(topic?.Id ?? Guid.Empty);
                w.Error(error);
                w.String(message);
                if (version >= 5)
                    WriteResult(w, topic, wanted, error);
                w.Tags();
            }
        );
        reply.Tags();
    }

    private static (ErrorCode Error, string? Message, Topic? Topic) Create(Request request, NewTopic wanted, bool validateOnly)
    {
        var refused = Request.First(request.FailureOf(wanted.Name), request.DeniedTopic(wanted.Name), request.DeniedCluster());
        if (refused != ErrorCode.None)
            return (refused, null, null);
        if (validateOnly)
        {
            var (error, message) = request.Cluster.Topics.Refuse(wanted);
            return (error, message, null);
        }

        var created = request.Cluster.Topics.Create(wanted);
        return created with
        {
            Error = created.Error == ErrorCode.None ? request.AnswerFor(wanted.Name, -1, ErrorCode.None) : created.Error,
        };
    }

    private static void WriteResult(WireWriter w, Topic? topic, NewTopic wanted, ErrorCode error)
    {
        var good = error == ErrorCode.None;
        w.Int32(good ? topic?.Partitions.Count ?? wanted.Partitions : -1);
        w.Int16(good ? topic?.ReplicationFactor ?? wanted.ReplicationFactor : (short)-1);
        if (topic is null)
        {
            w.NullArray();
            return;
        }

        w.Array(
            TopicConfig.Definitions,
            (c, definition) =>
            {
                c.String(definition.Name);
                c.String(topic.Config[definition.Name]);
                c.Bool(false);
                c.Int8((sbyte)(topic.Config.Values.ContainsKey(definition.Name) ? ConfigSource.DynamicTopic : ConfigSource.Default));
                c.Bool(false);
                c.Tags();
            }
        );
    }
}
