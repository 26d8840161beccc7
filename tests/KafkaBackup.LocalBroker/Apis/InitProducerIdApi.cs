using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Transactions;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class InitProducerIdApi() : Api<InitProducerIdApi.Asked>(ApiKey.InitProducerId, 0, 5, 2)
{
    internal sealed record Asked(string? TransactionalId, int TimeoutMs, ProducerIdentity Known);

    protected override Asked Read(Request request, WireReader body)
    {
        var id = body.NullableString();
        var timeout = body.Int32();
        var known = request.Version >= 3 ? new ProducerIdentity(body.Int64(), body.Int16()) : ProducerIdentity.None;
        request.Log.Resource = id;
        return new Asked(id, timeout, known);
    }

    protected override void Answer(Request request, Asked asked, WireWriter reply)
    {
        var (error, identity) = Init(request, asked);
        reply.Int32(0);
        reply.Error(request.Version < 4 && error == ErrorCode.ProducerFenced ? ErrorCode.InvalidProducerEpoch : error);
        reply.Int64(identity.Id);
        reply.Int16(identity.Epoch);
        reply.Tags();
    }

    private static (ErrorCode Error, ProducerIdentity Identity) Init(Request request, Asked asked)
    {
        var transactions = request.Cluster.Transactions;
        if (request.Failure != ErrorCode.None)
            return (request.Failure, ProducerIdentity.None);
        if (asked.TransactionalId is not { } id)
        {
            var denied = request.DeniedCluster();
            return denied == ErrorCode.None ? (ErrorCode.None, transactions.NewIdentity()) : (denied, ProducerIdentity.None);
        }

        var refused = Request.First(
            request.DeniedTransaction(id),
            request.Cluster.CoordinatorOf(id) == request.Broker ? ErrorCode.None : ErrorCode.NotCoordinator
        );
        if (refused != ErrorCode.None)
            return (refused, ProducerIdentity.None);
        var (error, identity) = transactions.Init(id, asked.TimeoutMs, asked.Known);
        return error == ErrorCode.None ? (request.Answer(ErrorCode.None), identity) : (error, ProducerIdentity.None);
    }
}
