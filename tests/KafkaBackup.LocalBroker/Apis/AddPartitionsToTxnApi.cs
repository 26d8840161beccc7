using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Transactions;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class AddPartitionsToTxnApi() : Api<AddPartitionsToTxnApi.Asked>(ApiKey.AddPartitionsToTxn, 0, 3, 3)
{
    internal sealed record Asked(
        string Id,
        ProducerIdentity Producer,
        List<(string Name, List<(int Index, int Unused)> Partitions)> Topics
    );

    protected override Asked Read(Request request, WireReader body)
    {
        var id = body.String();
        request.Log.Resource = id;
        var producer = new ProducerIdentity(body.Int64(), body.Int16());
        return new Asked(
            id,
            producer,
            body.Array(t =>
            {
                var name = t.String();
                var partitions = t.Array(p =>
                {
                    var index = p.Int32();
                    request.Log.Name(name, index);
                    return (index, 0);
                });
                t.Tags();
                return (name, partitions);
            })
        );
    }

    protected override void Answer(Request request, Asked asked, WireWriter reply)
    {
        var partitions = asked.Topics.SelectMany(t => t.Partitions.Select(p => new TopicPartition(t.Name, p.Index))).ToList();
        var refusals = partitions.ToDictionary(
            p => p,
            p =>
                Request.First(
                    request.FailureOf(p.Topic, p.Partition),
                    request.DeniedTopic(p.Topic),
                    request.Cluster.Topics.Find(p.Topic, p.Partition) is null ? ErrorCode.UnknownTopicOrPartition : ErrorCode.None
                )
        );

        // One bad partition spoils the request: the good ones are told that nothing was tried.
        var spoiled = refusals.Values.Any(e => e != ErrorCode.None);
        var whole = TransactionCheck.Of(request, asked.Id);
        if (whole == ErrorCode.None && !spoiled)
        {
            var added = request.Cluster.Transactions.AddPartitions(asked.Id, asked.Producer, partitions);
            whole = request.Answer(TransactionCheck.ForVersion(added, request.Version, knowsFenced: 2));
        }

        reply.Int32(0);
        OffsetAnswers.Write(
            reply,
            asked.Topics,
            (topic, index, _) =>
                Request.First(whole, refusals[new TopicPartition(topic, index)], spoiled ? ErrorCode.OperationNotAttempted : ErrorCode.None)
        );
        reply.Tags();
    }
}

/// <summary>What every request to a transactional id is checked for first.</summary>
internal static class TransactionCheck
{
    public static ErrorCode Of(Request request, string id) =>
        Request.First(
            request.Failure,
            request.DeniedTransaction(id),
            request.Cluster.CoordinatorOf(id) == request.Broker ? ErrorCode.None : ErrorCode.NotCoordinator
        );

    /// <summary>Older versions don't know PRODUCER_FENCED.</summary>
    public static ErrorCode ForVersion(ErrorCode error, short version, short knowsFenced) =>
        error == ErrorCode.ProducerFenced && version < knowsFenced ? ErrorCode.InvalidProducerEpoch : error;
}
