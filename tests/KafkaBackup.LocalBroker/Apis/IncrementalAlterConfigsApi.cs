using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Topics;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

/// <summary>Changes some settings of a topic: set, delete, append to or subtract from a list.</summary>
internal sealed class IncrementalAlterConfigsApi() : Api<IncrementalAlterConfigsApi.Asked>(ApiKey.IncrementalAlterConfigs, 0, 1, 1)
{
    private const sbyte Set = 0;
    private const sbyte Delete = 1;
    private const sbyte AppendTo = 2;

    internal sealed record Asked(
        List<(ResourceType Type, string Name, List<(string Name, sbyte Operation, string? Value)> Changes)> Resources,
        bool ValidateOnly
    );

    protected override Asked Read(Request request, WireReader body)
    {
        var resources = body.Array(r =>
        {
            var entry = (
                (ResourceType)r.Int8(),
                r.String(),
                r.Array(static c =>
                {
                    var change = (c.String(), c.Int8(), c.NullableString());
                    c.Tags();
                    return change;
                })
            );
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
                request.Cluster.Topics.TryGet(resource.Name, out var topic);
                var values = topic is null
                    ? []
                    : resource.Changes.ConvertAll(c => KeyValuePair.Create(c.Name, Resulting(topic.Config, c.Name, c.Operation, c.Value)));
                var (error, message) = TopicConfigChange.Apply(
                    request,
                    resource.Type,
                    resource.Name,
                    values,
                    config =>
                    {
                        if (!asked.ValidateOnly)
                            config.Merge(values);
                    }
                );
                TopicConfigChange.Write(w, error, message, resource.Type, resource.Name);
            }
        );
        reply.Tags();
    }

    private static string? Resulting(TopicConfig config, string name, sbyte operation, string? value)
    {
        if (operation is Set or Delete || TopicConfig.Definition(name) is null)
            return operation == Delete ? null : value;
        var current = config[name].Split(',', StringSplitOptions.RemoveEmptyEntries);
        var named = (value ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries);
        return string.Join(',', operation == AppendTo ? current.Union(named) : current.Except(named));
    }
}
