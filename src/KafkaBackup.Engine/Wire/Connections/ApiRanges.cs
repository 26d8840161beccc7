using System.Collections.Frozen;
using KafkaBackup.Engine.Wire.Messages;

namespace KafkaBackup.Engine.Wire.Connections;

/// <summary>The versions that one broker knows.</summary>
internal sealed class ApiRanges(WireAddress address, IEnumerable<ApiVersionRange> ranges)
{
    private readonly FrozenDictionary<short, ApiVersionRange> _ranges = ranges
        .GroupBy(range => range.Key)
        .ToFrozenDictionary(group => group.Key, group => group.Last());

    public bool Knows(ApiKey api) => _ranges.ContainsKey((short)api);

    /// <summary>The newest version of a request that both sides know; -1 when there is none.</summary>
    public short Newest(WireApi api) =>
        _ranges.TryGetValue((short)api.Key, out var range)
        && Math.Min(range.Max, api.MaxVersion) is var version
        && version >= Math.Max(range.Min, api.MinVersion)
            ? version
            : (short)-1;

    /// <summary>The newest version that both sides know and that can say what this request says.</summary>
    public short Choose<TAnswer>(WireRequest<TAnswer> request)
        where TAnswer : IWireAnswer
    {
        var key = request.Api.Key;
        if (!_ranges.TryGetValue((short)key, out var range))
        {
            throw ConnectionFaults.Fault(
                WireFailure.VersionUnsupported,
                address,
                $"The broker at {address} does not know the request {key}",
                null
            );
        }

        var least = Math.Max(request.LeastVersion, range.Min);
        var most = Math.Min(request.MostVersion, range.Max);
        return most >= least
            ? most
            : throw ConnectionFaults.Fault(
                WireFailure.VersionUnsupported,
                address,
                $"The broker at {address} knows {key} in the versions {range.Min} to {range.Max}; "
                    + $"this needs one of {request.LeastVersion} to {request.MostVersion}",
                null
            );
    }
}
