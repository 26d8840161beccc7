using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Messages;

/// <summary>Tells the coordinator that a transaction is going to commit offsets of a group.</summary>
internal sealed class AddOffsetsToTxnRequest(TransactionalProducer producer, string group) : WireRequest<SingleErrorResponse>
{
    public static readonly WireApi Definition = new(ApiKey.AddOffsetsToTxn, 0, 3, 3, 1);

    public override WireApi Api => Definition;

    public override void Write(WireWriter writer)
    {
        producer.Write(writer);
        writer.String(group);
        writer.Tags();
    }

    public override SingleErrorResponse Read(ref WireReader reader) => SingleErrorResponse.Read(ref reader);
}

/// <summary>One error for all: what AddOffsetsToTxn and EndTxn answer.</summary>
internal sealed record SingleErrorResponse(TimeSpan ThrottleTime, WireErrorCode Error) : IWireAnswer
{
    public static SingleErrorResponse Read(ref WireReader reader)
    {
        var answer = new SingleErrorResponse(reader.Milliseconds("throttle_time_ms"), reader.Error());
        reader.SkipTags();
        return answer;
    }
}
