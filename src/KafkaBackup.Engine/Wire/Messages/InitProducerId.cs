using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Messages;

/// <summary>A producer id, or for a transactional id its producer with a raised epoch, which fences whoever used it before.</summary>
internal sealed class InitProducerIdRequest(string? transactionalId, TimeSpan transactionTimeout) : WireRequest<InitProducerIdResponse>
{
    public static readonly WireApi Definition = new(ApiKey.InitProducerId, 0, 5, 2, 1);

    /// <summary>The producer as it is known, to raise its epoch; -1 for none.</summary>
    public long ProducerId { get; init; } = -1;

    public short ProducerEpoch { get; init; } = -1;

    public override WireApi Api => Definition;

    public override short LeastVersion => ProducerId >= 0 ? (short)3 : (short)0;

    public override void Write(WireWriter writer)
    {
        writer.String(transactionalId);
        writer.Milliseconds(transactionTimeout);
        if (writer.Version >= 3)
        {
            writer.Int64(ProducerId);
            writer.Int16(ProducerEpoch);
        }

        writer.Tags();
    }

    public override InitProducerIdResponse Read(ref WireReader reader)
    {
        var answer = new InitProducerIdResponse(
            reader.Milliseconds("throttle_time_ms"),
            reader.Error(),
            reader.Int64("producer_id"),
            reader.Int16("producer_epoch")
        );
        reader.SkipTags();
        return answer;
    }
}

internal sealed record InitProducerIdResponse(TimeSpan ThrottleTime, WireErrorCode Error, long ProducerId, short ProducerEpoch)
    : IWireAnswer;
