using System.Globalization;
using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Topics;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class DescribeConfigsApi() : Api<DescribeConfigsApi.Asked>(ApiKey.DescribeConfigs, 1, 4, 4)
{
    internal sealed record Asked(List<(ResourceType Type, string Name, List<string>? Keys)> Resources, bool Synonyms);

    protected override Asked Read(Request request, WireReader body)
    {
        var resources = body.Array(r =>
        {
            var entry = ((ResourceType)r.Int8(), r.String(), r.NullableArray(static k => k.String()));
            request.Log.Name(entry.Item2);
            r.Tags();
            return entry;
        });
        return new Asked(resources, body.Bool());
    }

    protected override void Answer(Request request, Asked asked, WireWriter reply)
    {
        reply.Int32(0);
        reply.Array(
            asked.Resources,
            (w, resource) =>
            {
                var (error, message, entries) = Describe(request, resource.Type, resource.Name);
                w.Error(error);
                w.String(message);
                w.Int8((sbyte)resource.Type);
                w.String(resource.Name);
                var wanted = entries.Where(e => resource.Keys?.Contains(e.Definition.Name) ?? true).ToList();
                w.Array(wanted, (e, entry) => WriteEntry(e, entry, asked.Synonyms, request.Version));
                w.Tags();
            }
        );
        reply.Tags();
    }

    private static (ErrorCode Error, string? Message, List<Entry> Entries) Describe(Request request, ResourceType type, string name)
    {
        switch (type)
        {
            case ResourceType.Topic:
                var refused = Request.First(request.FailureOf(name), request.DeniedTopic(name));
                if (refused != ErrorCode.None)
                    return (refused, null, []);
                if (!request.Cluster.Topics.TryGet(name, out var topic))
                    return (ErrorCode.UnknownTopicOrPartition, "This server does not host this topic-partition.", []);
                return (
                    request.AnswerFor(name, -1, ErrorCode.None),
                    null,
                    [
                        .. TopicConfig.Definitions.Select(d => new Entry(
                            d,
                            topic.Config[d.Name],
                            topic.Config.Values.ContainsKey(d.Name) ? ConfigSource.DynamicTopic : ConfigSource.Default
                        )),
                    ]
                );
            case ResourceType.Broker:
                var denied = Request.First(request.FailureOf(name), request.DeniedCluster());
                return (denied, null, denied == ErrorCode.None ? BrokerEntries(request.Cluster) : []);
            default:
                return (ErrorCode.InvalidRequest, $"Resource type {type} has no configuration here.", []);
        }
    }

    private static List<Entry> BrokerEntries(LocalCluster cluster) =>
        [
            new(
                new ConfigDefinition("auto.create.topics.enable", ConfigType.Boolean, "true"),
                cluster.Options.AutoCreateTopics ? "true" : "false",
                ConfigSource.StaticBroker
            ),
            new(new ConfigDefinition("message.max.bytes", ConfigType.Int, "1048588"), "1048588", ConfigSource.Default),
            new(
                new ConfigDefinition("transaction.max.timeout.ms", ConfigType.Int, "900000"),
                ((int)cluster.Options.MaxTransactionTimeout.TotalMilliseconds).ToString(CultureInfo.InvariantCulture),
                ConfigSource.StaticBroker
            ),
        ];

    private static void WriteEntry(WireWriter w, Entry entry, bool synonyms, short version)
    {
        w.String(entry.Definition.Name);
        w.String(entry.Value);
        w.Bool(false);
        w.Int8((sbyte)entry.Source);
        w.Bool(false);
        List<(string? Value, ConfigSource Source)> all = [(entry.Value, entry.Source)];
        if (entry.Source != ConfigSource.Default)
            all.Add((entry.Definition.Default, ConfigSource.Default));
        w.Array(
            synonyms ? all : [],
            (s, synonym) =>
            {
                s.String(entry.Definition.Name);
                s.String(synonym.Value);
                s.Int8((sbyte)synonym.Source);
                s.Tags();
            }
        );
        if (version >= 3)
        {
            w.Int8((sbyte)entry.Definition.Type);
            w.String(null);
        }

        w.Tags();
    }

    private sealed record Entry(ConfigDefinition Definition, string Value, ConfigSource Source);
}

internal enum ResourceType : sbyte
{
    Topic = 2,
    Broker = 4,
}
