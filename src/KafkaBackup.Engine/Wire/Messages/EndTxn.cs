using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Messages;

/// <summary>Commits or aborts a transaction.</summary>
internal sealed class EndTxnRequest(TransactionalProducer producer, bool commit) : WireRequest<SingleErrorResponse>
{
    public static readonly WireApi Definition = new(ApiKey.EndTxn, 0, 3, 3, 1);

    public override WireApi Api => Definition;

    public override void Write(WireWriter writer)
    {
        producer.Write(writer);
        writer.Bool(commit);
        writer.Tags();
    }

    public override SingleErrorResponse Read(ref WireReader reader) => SingleErrorResponse.Read(ref reader);
}
