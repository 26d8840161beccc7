using KafkaBackup.LocalBroker.Net;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Apis;

/// <summary>One request type: the versions it is served in, and what it does.</summary>
internal abstract class Api(ApiKey key, short minVersion, short maxVersion, short flexibleFrom)
{
    protected const short Never = short.MaxValue;

    public ApiKey Key { get; } = key;

    public short MinVersion { get; } = minVersion;

    public short MaxVersion { get; } = maxVersion;

    public short FlexibleFrom { get; } = flexibleFrom;

    public virtual bool TaggedResponseHeader => true;

    /// <summary>
    /// Reads the request, has it admitted (by then its topics are known, so that faults can match them), does it and writes the
    /// answer; false closes the connection.
    /// </summary>
    public abstract ValueTask<bool> Handle(Request request, WireReader body, WireWriter reply);
}

/// <summary>An API whose work needs no waiting. Reading comes apart from doing, so that faults can step between.</summary>
internal abstract class Api<T>(ApiKey key, short minVersion, short maxVersion, short flexibleFrom)
    : Api(key, minVersion, maxVersion, flexibleFrom)
{
    public sealed override async ValueTask<bool> Handle(Request request, WireReader body, WireWriter reply)
    {
        var parsed = Read(request, body);
        if (!await request.Admit().ConfigureAwait(false))
            return false;
        Answer(request, parsed, reply);
        return true;
    }

    /// <summary>Reads the request and names its topics or resource in the log.</summary>
    protected abstract T Read(Request request, WireReader body);

    protected abstract void Answer(Request request, T asked, WireWriter reply);
}
