using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class HeartbeatApi() : Api<HeartbeatApi.Asked>(ApiKey.Heartbeat, 0, 4, 4)
{
    internal sealed record Asked(string Group, int Generation, string MemberId, string? InstanceId);

    protected override Asked Read(Request request, WireReader body)
    {
        var asked = new Asked(body.String(), body.Int32(), body.String(), request.Version >= 3 ? body.NullableString() : null);
        request.Log.Resource = asked.Group;
        return asked;
    }

    protected override void Answer(Request request, Asked asked, WireWriter reply)
    {
        var error = GroupCheck.Of(request, asked.Group);
        if (error == ErrorCode.None)
            error =
                request.Cluster.Groups.Find(asked.Group)?.Heartbeat(asked.MemberId, asked.InstanceId, asked.Generation)
                ?? ErrorCode.UnknownMemberId;
        if (request.Version >= 1)
            reply.Int32(0);
        reply.Error(request.Answer(error));
        reply.Tags();
    }
}
