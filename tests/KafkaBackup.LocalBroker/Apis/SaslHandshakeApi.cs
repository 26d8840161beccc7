using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class SaslHandshakeApi() : Api<string>(ApiKey.SaslHandshake, 1, 1, Never)
{
    protected override string Read(Request request, WireReader body) => body.String();

    protected override void Answer(Request request, string asked, WireWriter reply)
    {
        reply.Error(Request.First(request.Failure, request.Connection.Sasl.Choose(asked)));
        reply.Array(request.Cluster.Options.SaslMechanisms, static (w, name) => w.String(name));
    }
}
