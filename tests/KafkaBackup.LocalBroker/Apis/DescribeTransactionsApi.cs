using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class DescribeTransactionsApi() : Api<List<string>>(ApiKey.DescribeTransactions, 0, 0, 0)
{
    protected override List<string> Read(Request request, WireReader body)
    {
        var ids = body.Array(static s => s.String());
        request.Log.Resource = string.Join(',', ids);
        return ids;
    }

    protected override void Answer(Request request, List<string> asked, WireWriter reply)
    {
        var known = request.Cluster.Transactions.Snapshot().ToDictionary(t => t.Id);
        reply.Int32(0);
        reply.Array(
            asked,
            (w, id) =>
            {
                var found = known.GetValueOrDefault(id);
                var error = Request.First(
                    TransactionCheck.Of(request, id),
                    found is null ? ErrorCode.TransactionalIdNotFound : ErrorCode.None
                );
                w.Error(error);
                w.String(id);
                w.String(error == ErrorCode.None ? found!.State.ToString() : "");
                w.Int32(found?.TimeoutMs ?? -1);
                w.Int64(found?.StartedAt ?? -1);
                w.Int64(found?.Owner.Id ?? -1);
                w.Int16(found?.Owner.Epoch ?? -1);
                w.Array(
                    (found?.Partitions ?? []).GroupBy(p => p.Topic).ToList(),
                    static (t, topic) =>
                    {
                        t.String(topic.Key);
                        t.Int32Array([.. topic.Select(p => p.Partition)]);
                        t.Tags();
                    }
                );
                w.Tags();
            }
        );
        reply.Tags();
    }
}
