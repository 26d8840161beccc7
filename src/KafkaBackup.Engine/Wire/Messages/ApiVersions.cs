using KafkaBackup.Engine.Wire.Primitives;

namespace KafkaBackup.Engine.Wire.Messages;

/// <summary>
/// What a broker understands. The first request on every connection, and the only one that a broker answers in a version that it does not
/// know.
/// </summary>
internal sealed class ApiVersionsRequest(string softwareName, string softwareVersion) : WireRequest<ApiVersionsResponse>
{
    public static readonly WireApi Definition = new(ApiKey.ApiVersions, 0, 3, 3, 2);

    public override WireApi Api => Definition;

    public override void Write(WireWriter writer)
    {
        if (writer.Version >= 3)
        {
            writer.String(softwareName);
            writer.String(softwareVersion);
        }

        writer.Tags();
    }

    public override ApiVersionsResponse Read(ref WireReader reader)
    {
        var error = reader.Error();
        var apis = reader.Array(
            "api_keys",
            6,
            (ref WireReader r) =>
            {
                var range = new ApiVersionRange(r.Int16("api_key"), r.Int16("min_version"), r.Int16("max_version"));
                r.SkipTags();
                return range;
            }
        );
        var throttle = reader.Version >= 1 ? reader.Milliseconds("throttle_time_ms") : TimeSpan.Zero;
        reader.SkipTags();
        return new ApiVersionsResponse(error, apis, throttle);
    }
}

internal sealed record ApiVersionsResponse(WireErrorCode Error, IReadOnlyList<ApiVersionRange> Apis, TimeSpan ThrottleTime) : IWireAnswer;

internal readonly record struct ApiVersionRange(short Key, short Min, short Max);
