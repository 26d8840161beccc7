using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class ApiVersionsApi() : Api<bool>(ApiKey.ApiVersions, 0, 3, 3)
{
    /// <summary>A client can't know yet which head this answer has, so it never has tags.</summary>
    public override bool TaggedResponseHeader => false;

    /// <summary>For a client from the future: the answer in the oldest form, from which it learns what to ask instead.</summary>
    public static async ValueTask<bool> RefuseVersion(Request request, WireWriter reply)
    {
        if (!await request.Admit().ConfigureAwait(false))
            return false;
        reply.Error(ErrorCode.UnsupportedVersion);
        WriteKeys(request.Cluster, reply);
        return true;
    }

    protected override bool Read(Request request, WireReader body) => true;

    protected override void Answer(Request request, bool asked, WireWriter reply)
    {
        reply.Error(request.Failure);
        WriteKeys(request.Cluster, reply);
        if (request.Version >= 1)
            reply.Int32(0);
        reply.Tags();
    }

    private static void WriteKeys(LocalCluster cluster, WireWriter reply) =>
        reply.Array(
            cluster.Dispatcher.Apis,
            (w, api) =>
            {
                w.Int16((short)api.Key);
                w.Int16(api.MinVersion);
                w.Int16(cluster.Dispatcher.NewestOf(api));
                w.Tags();
            }
        );
}
