using KafkaBackup.LocalBroker.Groups;
using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Transactions;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class TxnOffsetCommitApi() : Api<TxnOffsetCommitApi.Asked>(ApiKey.TxnOffsetCommit, 0, 3, 3)
{
    internal sealed record Asked(
        string Id,
        string Group,
        ProducerIdentity Producer,
        int Generation,
        string MemberId,
        string? InstanceId,
        List<(string Name, List<(int Index, CommittedOffset Offset)> Partitions)> Topics
    );

    protected override Asked Read(Request request, WireReader body)
    {
        var id = body.String();
        var group = body.String();
        request.Log.Resource = group;
        var producer = new ProducerIdentity(body.Int64(), body.Int16());
        var member = request.Version >= 3 ? (body.Int32(), body.String(), body.NullableString()) : (-1, "", null);
        var topics = body.Array(t =>
        {
            var name = t.String();
            var partitions = t.Array(p =>
            {
                var index = p.Int32();
                request.Log.Name(name, index);
                var committed = new CommittedOffset(p.Int64(), request.Version >= 2 ? p.Int32() : -1, p.NullableString());
                p.Tags();
                return (index, committed);
            });
            t.Tags();
            return (name, partitions);
        });
        return new Asked(id, group, producer, member.Item1, member.Item2, member.Item3, topics);
    }

    protected override void Answer(Request request, Asked asked, WireWriter reply)
    {
        var error = Request.First(GroupCheck.OfOffsets(request, asked.Group), request.DeniedTransaction(asked.Id));
        if (error == ErrorCode.None)
        {
            const short never = short.MaxValue;
            error = TransactionCheck.ForVersion(
                request.Cluster.Transactions.CheckOffsets(asked.Id, asked.Producer, asked.Group),
                request.Version,
                never
            );
        }

        var group = error == ErrorCode.None ? request.Cluster.Groups.Enter(asked.Group) : null;
        if (group is not null)
            error = group.CheckCommit(asked.MemberId, asked.InstanceId, asked.Generation, transactional: true);

        reply.Int32(0);
        OffsetAnswers.Write(
            reply,
            asked.Topics,
            (topic, index, offset) =>
                error != ErrorCode.None
                    ? error
                    : OffsetAnswers.Keep(
                        request,
                        topic,
                        index,
                        offset,
                        (partition, committed) => group!.Pend(asked.Producer.Id, partition, committed)
                    )
        );
        reply.Tags();
    }
}
