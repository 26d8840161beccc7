using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class FindCoordinatorApi() : Api<FindCoordinatorApi.Asked>(ApiKey.FindCoordinator, 0, 4, 3)
{
    private const sbyte Transaction = 1;

    internal sealed record Asked(sbyte Type, List<string> Keys);

    protected override Asked Read(Request request, WireReader body)
    {
        var single = request.Version < 4 ? body.String() : null;
        var type = request.Version >= 1 ? body.Int8() : (sbyte)0;
        var keys = single is null ? body.Array(static k => k.String()) : [single];
        request.Log.Resource = string.Join(',', keys);
        return new Asked(type, keys);
    }

    protected override void Answer(Request request, Asked asked, WireWriter reply)
    {
        if (request.Version >= 1)
            reply.Int32(0);
        if (request.Version >= 4)
        {
            reply.Array(
                asked.Keys,
                (w, key) =>
                {
                    var (error, broker, port) = Find(request, asked.Type, key);
                    w.String(key);
                    w.Int32(broker);
                    w.String(broker < 0 ? "" : "127.0.0.1");
                    w.Int32(port);
                    w.Error(error);
                    w.String(null);
                    w.Tags();
                }
            );
        }
        else
        {
            var (error, broker, port) = Find(request, asked.Type, asked.Keys[0]);
            reply.Error(error);
            if (request.Version >= 1)
                reply.String(null);
            reply.Int32(broker);
            reply.String(broker < 0 ? "" : "127.0.0.1");
            reply.Int32(port);
        }

        reply.Tags();
    }

    private static (ErrorCode Error, int Broker, int Port) Find(Request request, sbyte type, string key)
    {
        var error = Request.First(request.Failure, type == Transaction ? request.DeniedTransaction(key) : request.DeniedGroup(key));
        var broker = request.Cluster.CoordinatorOf(key);
        var node = request.Cluster.BrokerNodes.FirstOrDefault(n => n.Id == broker);
        if (error == ErrorCode.None && node is null)
            error = ErrorCode.CoordinatorNotAvailable;
        return error == ErrorCode.None ? (error, node!.Id, node.Port) : (error, -1, -1);
    }
}
