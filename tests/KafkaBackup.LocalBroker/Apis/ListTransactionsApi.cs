using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class ListTransactionsApi() : Api<ListTransactionsApi.Asked>(ApiKey.ListTransactions, 0, 0, 0)
{
    internal sealed record Asked(List<string> States, List<long> ProducerIds);

    protected override Asked Read(Request request, WireReader body) =>
        new(body.Array(static s => s.String()), body.Array(static p => p.Int64()));

    protected override void Answer(Request request, Asked asked, WireWriter reply)
    {
        var cluster = request.Cluster;
        var transactions = cluster
            .Transactions.Snapshot()
            .Where(t => cluster.CoordinatorOf(t.Id) == request.Broker && request.DeniedTransaction(t.Id) == ErrorCode.None)
            .Where(t => asked.States.Count == 0 || asked.States.Contains(t.State.ToString()))
            .Where(t => asked.ProducerIds.Count == 0 || asked.ProducerIds.Contains(t.Owner.Id))
            .ToList();
        reply.Int32(0);
        reply.Error(request.Failure);
        reply.Array(Array.Empty<string>(), static (w, s) => w.String(s));
        reply.Array(
            transactions,
            static (w, transaction) =>
            {
                w.String(transaction.Id);
                w.Int64(transaction.Owner.Id);
                w.String(transaction.State.ToString());
                w.Tags();
            }
        );
        reply.Tags();
    }
}
