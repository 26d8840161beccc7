using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Topics;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

/// <summary>Replaces all settings of a topic.</summary>
internal sealed class AlterConfigsApi() : Api<AlterConfigsApi.Asked>(ApiKey.AlterConfigs, 0, 2, 2)
{
    internal sealed record Asked(
        List<(ResourceType Type, string Name, List<KeyValuePair<string, string?>> Configs)> Resources,
        bool ValidateOnly
    );

    protected override Asked Read(Request request, WireReader body)
    {
        var resources = body.Array(r =>
        {
            var entry = ((ResourceType)r.Int8(), r.String(), r.Array(CreateTopicsApi.ConfigEntry));
            request.Log.Name(entry.Item2);
            r.Tags();
            return entry;
        });
        return new Asked(resources, request.Log.OnlyValidates = body.Bool());
    }

    protected override void Answer(Request request, Asked asked, WireWriter reply)
    {
        reply.Int32(0);
        reply.Array(
            asked.Resources,
            (w, resource) =>
            {
                var (error, message) = TopicConfigChange.Apply(
                    request,
                    resource.Type,
                    resource.Name,
                    resource.Configs,
                    config =>
                    {
                        if (!asked.ValidateOnly)
                            config.Replace(resource.Configs);
                    }
                );
                TopicConfigChange.Write(w, error, message, resource.Type, resource.Name);
            }
        );
        reply.Tags();
    }
}

/// <summary>What both ways of altering a topic's settings share.</summary>
internal static class TopicConfigChange
{
    public static (ErrorCode Error, string? Message) Apply(
        Request request,
        ResourceType type,
        string name,
        IEnumerable<KeyValuePair<string, string?>> values,
        Action<TopicConfig> change
    )
    {
        var refused = Request.First(request.FailureOf(name), request.DeniedTopic(name));
        if (refused != ErrorCode.None)
            return (refused, null);
        if (type != ResourceType.Topic)
            return (ErrorCode.InvalidRequest, "Only settings of topics can be altered here.");
        if (!request.Cluster.Topics.TryGet(name, out var topic))
            return (ErrorCode.UnknownTopicOrPartition, $"The topic '{name}' does not exist.");
        if (TopicConfig.Refuse(values) is { } reason)
            return (ErrorCode.InvalidConfig, reason);
        change(topic.Config);
        return (request.AnswerFor(name, -1, ErrorCode.None), null);
    }

    public static void Write(WireWriter w, ErrorCode error, string? message, ResourceType type, string name)
    {
        w.Error(error);
        w.String(message);
        w.Int8((sbyte)type);
        w.String(name);
        w.Tags();
    }
}
