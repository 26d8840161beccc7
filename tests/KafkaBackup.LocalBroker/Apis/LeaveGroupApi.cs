using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class LeaveGroupApi() : Api<LeaveGroupApi.Asked>(ApiKey.LeaveGroup, 0, 5, 4)
{
    internal sealed record Asked(string Group, List<(string MemberId, string? InstanceId)> Members);

    protected override Asked Read(Request request, WireReader body)
    {
        var group = body.String();
        request.Log.Resource = group;
        if (request.Version < 3)
            return new Asked(group, [(body.String(), null)]);
        return new Asked(
            group,
            body.Array(m =>
            {
                var entry = (m.String(), m.NullableString());
                if (request.Version >= 5)
                    m.NullableString();
                m.Tags();
                return entry;
            })
        );
    }

    protected override void Answer(Request request, Asked asked, WireWriter reply)
    {
        var error = GroupCheck.Of(request, asked.Group);
        var found = request.Cluster.Groups.Find(asked.Group);
        var results =
            error != ErrorCode.None
                ? []
                : asked.Members.ConvertAll(m =>
                    (m.MemberId, m.InstanceId, Error: found?.Leave(m.MemberId, m.InstanceId) ?? ErrorCode.UnknownMemberId)
                );
        if (request.Version >= 1)
            reply.Int32(0);
        reply.Error(request.Version < 3 && results.Count == 1 ? results[0].Error : error);
        if (request.Version >= 3)
        {
            reply.Array(
                results,
                static (w, member) =>
                {
                    w.String(member.MemberId);
                    w.String(member.InstanceId);
                    w.Error(member.Error);
                    w.Tags();
                }
            );
        }

        reply.Tags();
    }
}
