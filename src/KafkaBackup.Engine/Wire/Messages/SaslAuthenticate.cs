using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Messages;

/// <summary>One step of a SASL exchange.</summary>
internal sealed class SaslAuthenticateRequest(ReadOnlyMemory<byte> token) : WireRequest<SaslAuthenticateResponse>
{
    public static readonly WireApi Definition = new(ApiKey.SaslAuthenticate, 0, 2, 2, WireApi.Never);

    public override WireApi Api => Definition;

    public override void Write(WireWriter writer)
    {
        writer.Bytes(token.Span);
        writer.Tags();
    }

    public override SaslAuthenticateResponse Read(ref WireReader reader)
    {
        var error = reader.Error();
        var message = reader.NullableString("error_message");
        var bytes = reader.Bytes("auth_bytes").ToArray();
        var lifetime = reader.Version >= 1 ? reader.Int64("session_lifetime_ms") : 0;
        reader.SkipTags();
        return new SaslAuthenticateResponse(error, message, bytes, lifetime);
    }
}

/// <param name="SessionLifetimeMs">When the client has to log in again (KIP-368); 0 for never.</param>
internal sealed record SaslAuthenticateResponse(WireErrorCode Error, string? Message, ReadOnlyMemory<byte> Token, long SessionLifetimeMs)
    : IWireAnswer
{
    public TimeSpan ThrottleTime => TimeSpan.Zero;
}
