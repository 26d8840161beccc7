using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Transactions;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class AddOffsetsToTxnApi() : Api<AddOffsetsToTxnApi.Asked>(ApiKey.AddOffsetsToTxn, 0, 3, 3)
{
    internal sealed record Asked(string Id, ProducerIdentity Producer, string Group);

    protected override Asked Read(Request request, WireReader body)
    {
        var asked = new Asked(body.String(), new ProducerIdentity(body.Int64(), body.Int16()), body.String());
        request.Log.Resource = asked.Id;
        return asked;
    }

    protected override void Answer(Request request, Asked asked, WireWriter reply)
    {
        var error = Request.First(TransactionCheck.Of(request, asked.Id), request.DeniedGroup(asked.Group));
        if (error == ErrorCode.None)
            error = request.Cluster.Transactions.AddGroup(asked.Id, asked.Producer, asked.Group);
        reply.Int32(0);
        reply.Error(request.Answer(TransactionCheck.ForVersion(error, request.Version, 2)));
        reply.Tags();
    }
}
