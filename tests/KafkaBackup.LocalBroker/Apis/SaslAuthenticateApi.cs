using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

internal sealed class SaslAuthenticateApi() : Api<ReadOnlyMemory<byte>>(ApiKey.SaslAuthenticate, 0, 2, 2)
{
    protected override ReadOnlyMemory<byte> Read(Request request, WireReader body) => body.Bytes();

    protected override void Answer(Request request, ReadOnlyMemory<byte> asked, WireWriter reply)
    {
        var (error, message, answer, user) =
            request.Failure == ErrorCode.None ? request.Connection.Sasl.Step(asked.Span) : (request.Failure, null, [], null);
        if (user is not null)
            request.Connection.User = user;
        reply.Error(error);
        reply.String(message);
        reply.Bytes(answer);
        if (request.Version >= 1)
            reply.Int64(request.Connection.Sasl.LifetimeMs);
        reply.Tags();
    }
}
