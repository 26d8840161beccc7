using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class DescribeClusterApi() : Api<bool>(ApiKey.DescribeCluster, 0, 0, 0)
{
    protected override bool Read(Request request, WireReader body) => body.Bool();

    protected override void Answer(Request request, bool asked, WireWriter reply)
    {
        reply.Int32(0);
        reply.Error(Request.First(request.Failure, request.DeniedCluster()));
        reply.String(null);
        reply.String(request.Cluster.ClusterId);
        reply.Int32(request.Cluster.Controller);
        reply.Array(
            [.. request.Cluster.BrokerNodes],
            static (w, node) =>
            {
                w.Int32(node.Id);
                w.String("127.0.0.1");
                w.Int32(node.Port);
                w.String(null);
                w.Tags();
            }
        );
        reply.Int32(int.MinValue);
        reply.Tags();
    }
}
