using KafkaBackup.LocalBroker.Groups;
using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class JoinGroupApi() : Api(ApiKey.JoinGroup, 0, 9, 6)
{
    public override async ValueTask<bool> Handle(Request request, WireReader body, WireWriter reply)
    {
        var version = request.Version;
        var group = body.String();
        request.Log.Resource = group;
        var session = body.Int32();
        var rebalance = version >= 1 ? body.Int32() : session;
        var memberId = body.String();
        var instanceId = version >= 5 ? body.NullableString() : null;
        var protocolType = body.String();
        var protocols = body.Array(static p =>
        {
            var entry = (p.String(), p.Bytes().ToArray());
            p.Tags();
            return entry;
        });
        if (!await request.Admit().ConfigureAwait(false))
            return false;

        var error = GroupCheck.Of(request, group);
        var outcome =
            error == ErrorCode.None
                ? await request
                    .Cluster.Groups.Enter(group)
                    .Join(
                        new JoinRequest(
                            memberId,
                            instanceId,
                            request.Log.ClientId,
                            session,
                            rebalance,
                            protocolType,
                            protocols,
                            version >= 4
                        )
                    )
                    .WaitAsync(request.Cluster.Stopping)
                    .ConfigureAwait(false)
                : new JoinOutcome(error, memberId);
        Write(reply, outcome with { Error = outcome.Error == ErrorCode.None ? request.Answer(ErrorCode.None) : outcome.Error }, version);
        return true;
    }

    private static void Write(WireWriter reply, JoinOutcome outcome, short version)
    {
        if (version >= 2)
            reply.Int32(0);
        reply.Error(outcome.Error);
        reply.Int32(outcome.Generation);
        if (version >= 7)
            reply.String(outcome.ProtocolType);
        reply.String(version >= 7 ? outcome.Protocol : outcome.Protocol ?? "");
        reply.String(outcome.Leader);
        if (version >= 9)
            reply.Bool(false);
        reply.String(outcome.MemberId);
        reply.Array(
            outcome.Members ?? [],
            (w, member) =>
            {
                w.String(member.Id);
                if (version >= 5)
                    w.String(member.InstanceId);
                w.Bytes(member.Metadata);
                w.Tags();
            }
        );
        reply.Tags();
    }
}
