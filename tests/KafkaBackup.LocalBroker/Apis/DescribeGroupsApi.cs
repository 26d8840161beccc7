using KafkaBackup.LocalBroker.Groups;
using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class DescribeGroupsApi() : Api<List<string>>(ApiKey.DescribeGroups, 0, 5, 5)
{
    protected override List<string> Read(Request request, WireReader body)
    {
        var groups = body.Array(static g => g.String());
        request.Log.Resource = string.Join(',', groups);
        return groups;
    }

    protected override void Answer(Request request, List<string> asked, WireWriter reply)
    {
        var version = request.Version;
        if (version >= 1)
            reply.Int32(0);
        reply.Array(
            asked,
            (w, id) =>
            {
                var error = GroupCheck.Of(request, id);
                var group =
                    (error == ErrorCode.None ? request.Cluster.Groups.Find(id)?.View() : null)
                    ?? new GroupView(id, GroupState.Dead, "", "", []);
                w.Error(error);
                w.String(id);
                w.String(error == ErrorCode.None ? group.State.ToString() : "");
                w.String(group.ProtocolType);
                w.String(group.Protocol);
                w.Array(
                    group.Members,
                    (m, member) =>
                    {
                        m.String(member.Id);
                        if (version >= 4)
                            m.String(member.InstanceId);
                        m.String(member.ClientId);
                        m.String("/127.0.0.1");
                        m.Bytes(member.Metadata);
                        m.Bytes(member.Assignment);
                        m.Tags();
                    }
                );
                if (version >= 3)
                    w.Int32(int.MinValue);
                w.Tags();
            }
        );
        reply.Tags();
    }
}
