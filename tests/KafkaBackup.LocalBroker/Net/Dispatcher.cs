using KafkaBackup.LocalBroker.Apis;
using KafkaBackup.LocalBroker.Wire;

namespace KafkaBackup.LocalBroker.Net;

/// <summary>Reads a request's head, finds the API that handles it, and frames its answer.</summary>
internal sealed class Dispatcher(LocalCluster cluster)
{
    private readonly Dictionary<ApiKey, Api> _apis = ApiList.Create().ToDictionary(a => a.Key);

    public IReadOnlyCollection<Api> Apis => _apis.Values;

    public short NewestOf(Api api) =>
        cluster.Options.NewestVersions.TryGetValue(api.Key, out var newest) ? Math.Min(newest, api.MaxVersion) : api.MaxVersion;

    /// <summary>False when the connection is to be closed. Nothing is written to the reply when there is no answer.</summary>
    public async Task<bool> Handle(Connection connection, ReadOnlyMemory<byte> frame, WireWriter reply)
    {
        var body = new WireReader(frame);
        var key = (ApiKey)body.Int16();
        var version = body.Int16();
        var correlation = body.Int32();
        var clientId = body.LegacyNullableString() ?? "";
        if (!_apis.TryGetValue(key, out var api))
            throw new MalformedRequestException($"API {key} is not served");

        var known = version >= api.MinVersion && version <= NewestOf(api);
        if (!known && key != ApiKey.ApiVersions)
            throw new MalformedRequestException($"{key} version {version} is not served");
        if (!connection.Sasl.Allows(key))
            return false;

        var log = new LoggedRequest(
            cluster.Requests.NextNumber(),
            cluster.Clock.GetUtcNow(),
            connection.Broker,
            key,
            known ? version : (short)0,
            clientId,
            connection.Id,
            frame.Length
        )
        {
            User = connection.User,
        };
        var request = new Request(cluster, connection, log);
        body.Flexible = known && version >= api.FlexibleFrom;
        body.Tags();

        reply.Int32(0);
        reply.Int32(correlation);
        reply.Flexible = body.Flexible;
        if (api.TaggedResponseHeader)
            reply.Tags();

        var answered = known
            ? await api.Handle(request, body, reply).ConfigureAwait(false)
            : await ApiVersionsApi.RefuseVersion(request, reply).ConfigureAwait(false);
        if (!answered || request.DropsConnection)
            return Silent(reply);
        if (request.NoResponse)
            reply.Dispose();
        else
            reply.PatchInt32(0, checked((int)(reply.TotalLength - 4)));
        return !connection.Sasl.Failed;
    }

    private static bool Silent(WireWriter reply)
    {
        reply.Dispose();
        return false;
    }
}
