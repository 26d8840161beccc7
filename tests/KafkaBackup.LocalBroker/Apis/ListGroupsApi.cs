using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

/// <summary>Each broker lists the groups it coordinates; clients ask all of them.</summary>
internal sealed class ListGroupsApi() : Api<ListGroupsApi.Asked>(ApiKey.ListGroups, 0, 5, 3)
{
    internal sealed record Asked(List<string> States, List<string> Types);

    protected override Asked Read(Request request, WireReader body) =>
        new(request.Version >= 4 ? body.Array(static s => s.String()) : [], request.Version >= 5 ? body.Array(static s => s.String()) : []);

    protected override void Answer(Request request, Asked asked, WireWriter reply)
    {
        const string classic = "classic";
        var version = request.Version;
        var cluster = request.Cluster;
        var error = Request.First(request.Failure, request.DeniedCluster());
        var groups = cluster
            .Groups.All.Where(g => cluster.CoordinatorOf(g.Id) == request.Broker && request.DeniedGroup(g.Id) == ErrorCode.None)
            .Select(g => g.View())
            .Where(g => asked.States.Count == 0 || asked.States.Contains(g.State.ToString(), StringComparer.OrdinalIgnoreCase))
            .Where(_ => asked.Types.Count == 0 || asked.Types.Contains(classic, StringComparer.OrdinalIgnoreCase))
            .ToList();
        if (version >= 1)
            reply.Int32(0);
        reply.Error(request.Answer(error));
        reply.Array(
            error == ErrorCode.None ? groups : [],
            (w, group) =>
            {
                w.String(group.Id);
                w.String(group.ProtocolType);
                if (version >= 4)
                    w.String(group.State.ToString());
                if (version >= 5)
                    w.String(classic);
                w.Tags();
            }
        );
        reply.Tags();
    }
}
