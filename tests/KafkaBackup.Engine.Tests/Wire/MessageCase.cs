using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Messages;
using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Tests.Wire;

/// <summary>One message: the client's code for it, Kafka's schema of it, and a request with what it must say.</summary>
internal sealed class MessageCase
{
    private MessageCase(
        WireApi api,
        Field[] request,
        Field[] response,
        Action<WireWriter> write,
        Func<ReadOnlyMemory<byte>, short, AnswerBuffer?, object> read,
        Dictionary<string, object?> says
    )
    {
        Api = api;
        Request = request;
        Response = response;
        Write = write;
        Read = read;
        Says = says;
    }

    public WireApi Api { get; }

    public Field[] Request { get; }

    public Field[] Response { get; }

    public Action<WireWriter> Write { get; }

    public Func<ReadOnlyMemory<byte>, short, AnswerBuffer?, object> Read { get; }

    /// <summary>
    /// Values of the request by path. A field that is not named must have a value that says nothing: see <see cref="MessageTests"/>.
    /// </summary>
    public Dictionary<string, object?> Says { get; }

    public bool IsFlexible(short version) => version >= Api.FlexibleFrom;

    public static MessageCase Of<TAnswer>(
        WireRequest<TAnswer> request,
        Field[] requestFields,
        Field[] responseFields,
        Dictionary<string, object?> says
    )
        where TAnswer : IWireAnswer =>
        new(
            request.Api,
            requestFields,
            responseFields,
            request.Write,
            (bytes, version, buffer) =>
            {
                var reader = new WireReader(bytes, request.Api.Key.ToString(), version, version >= request.Api.FlexibleFrom, buffer);
                var answer = request.Read(ref reader);
                return reader.Remaining == 0 ? answer : throw reader.Damaged("its end", "bytes are left over");
            },
            says
        );

    public override string ToString() => Api.Key.ToString();
}
