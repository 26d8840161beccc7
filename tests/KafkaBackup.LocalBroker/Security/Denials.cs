using System.Collections.Immutable;

namespace KafkaBackup.LocalBroker.Security;

/// <summary>Rights taken away: by API, by resource name, by user; null stands for any.</summary>
internal sealed class Denials
{
    private ImmutableList<(ApiKey? Api, string? Resource, string? User)> _denied = [];

    public void Add(ApiKey? api, string? resource, string? user) =>
        ImmutableInterlocked.Update(ref _denied, static (list, entry) => list.Add(entry), (api, resource, user));

    public void Clear() => _denied = [];

    public bool Covers(ApiKey api, string resource, string user) =>
        _denied.Any(d =>
            (d.Api is null || d.Api == api) && (d.Resource is null || d.Resource == resource) && (d.User is null || d.User == user)
        );
}
