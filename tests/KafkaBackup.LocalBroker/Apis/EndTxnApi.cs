using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Transactions;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class EndTxnApi() : Api<EndTxnApi.Asked>(ApiKey.EndTxn, 0, 3, 3)
{
    internal sealed record Asked(string Id, ProducerIdentity Producer, bool Commit);

    protected override Asked Read(Request request, WireReader body)
    {
        var asked = new Asked(body.String(), new ProducerIdentity(body.Int64(), body.Int16()), body.Bool());
        request.Log.Resource = asked.Id;
        return asked;
    }

    protected override void Answer(Request request, Asked asked, WireWriter reply)
    {
        var error = TransactionCheck.Of(request, asked.Id);
        if (error == ErrorCode.None)
            error = request.Answer(
                TransactionCheck.ForVersion(request.Cluster.Transactions.End(asked.Id, asked.Producer, asked.Commit), request.Version, 2)
            );
        reply.Int32(0);
        reply.Error(error);
        reply.Tags();
    }
}
