using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class DeleteGroupsApi() : Api<List<string>>(ApiKey.DeleteGroups, 0, 2, 2)
{
    protected override List<string> Read(Request request, WireReader body)
    {
        var groups = body.Array(static g => g.String());
        request.Log.Resource = string.Join(',', groups);
        return groups;
    }

    protected override void Answer(Request request, List<string> asked, WireWriter reply)
    {
        reply.Int32(0);
        reply.Array(
            asked,
            (w, id) =>
            {
                var error = GroupCheck.Of(request, id);
                w.String(id);
                w.Error(error == ErrorCode.None ? request.Answer(request.Cluster.Groups.Delete(id)) : error);
                w.Tags();
            }
        );
        reply.Tags();
    }
}
