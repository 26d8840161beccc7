using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Messages;

/// <summary>
/// Chooses a SASL mechanism. After version 0 the exchange would go on without frames of Kafka's own, which brokers since 1.0 do not need.
/// </summary>
internal sealed class SaslHandshakeRequest(string mechanism) : WireRequest<SaslHandshakeResponse>
{
    public static readonly WireApi Definition = new(ApiKey.SaslHandshake, 0, 1, WireApi.Never, WireApi.Never);

    public override WireApi Api => Definition;

    public override void Write(WireWriter writer) => writer.String(mechanism);

    public override SaslHandshakeResponse Read(ref WireReader reader) =>
        new(reader.Error(), reader.Array("mechanisms", 2, (ref WireReader r) => r.String("mechanism")));
}

internal sealed record SaslHandshakeResponse(WireErrorCode Error, IReadOnlyList<string> Mechanisms) : IWireAnswer
{
    public TimeSpan ThrottleTime => TimeSpan.Zero;
}
