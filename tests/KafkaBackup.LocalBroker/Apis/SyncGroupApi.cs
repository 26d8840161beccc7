using KafkaBackup.LocalBroker.Groups;
using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class SyncGroupApi() : Api(ApiKey.SyncGroup, 0, 5, 4)
{
    public override async ValueTask<bool> Handle(Request request, WireReader body, WireWriter reply)
    {
        var version = request.Version;
        var group = body.String();
        request.Log.Resource = group;
        var generation = body.Int32();
        var memberId = body.String();
        var instanceId = version >= 3 ? body.NullableString() : null;
        if (version >= 5)
        {
            body.NullableString();
            body.NullableString();
        }

        var assignments = body.Array(static a =>
        {
            var entry = (a.String(), a.Bytes().ToArray());
            a.Tags();
            return entry;
        });
        if (!await request.Admit().ConfigureAwait(false))
            return false;

        var error = GroupCheck.Of(request, group);
        var found = request.Cluster.Groups.Find(group);
        if (error == ErrorCode.None && found is null)
            error = ErrorCode.UnknownMemberId;
        var outcome =
            error == ErrorCode.None
                ? await found!.Sync(memberId, instanceId, generation, assignments).WaitAsync(request.Cluster.Stopping).ConfigureAwait(false)
                : new SyncOutcome(error);

        if (version >= 1)
            reply.Int32(0);
        reply.Error(outcome.Error == ErrorCode.None ? request.Answer(ErrorCode.None) : outcome.Error);
        if (version >= 5)
        {
            reply.String(outcome.ProtocolType);
            reply.String(outcome.Protocol);
        }

        reply.Bytes(outcome.Assignment);
        reply.Tags();
        return true;
    }
}
