using System.Collections.Concurrent;
using KafkaBackup.Engine.Wire.Connections;
using KafkaBackup.Engine.Wire.Messages;

namespace KafkaBackup.Engine.Wire;

/// <summary>Which broker coordinates which group or transactional id, and how to get an answer from it.</summary>
internal sealed class Coordinators(WireCluster cluster, WireOptions options)
{
    private readonly ConcurrentDictionary<(CoordinatorType Type, string Key), int> _known = new();

    public async Task<TAnswer> AskAsync<TAnswer>(
        CoordinatorType type,
        string key,
        WireRequest<TAnswer> request,
        Func<TAnswer, WireErrorCode> error,
        CancellationToken cancel
    )
        where TAnswer : IWireAnswer
    {
        var began = options.Clock.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var broker = await FindAsync(type, key, cancel).ConfigureAwait(false);
                var answer = await cluster.AskAsync(broker, WireCluster.Control, request, cancel).ConfigureAwait(false);
                var code = error(answer);
                if (code.NeedsCoordinator())
                {
                    _known.TryRemove((type, key), out _);
                }

                var passes =
                    code.NeedsCoordinator() || code is WireErrorCode.CoordinatorLoadInProgress or WireErrorCode.ConcurrentTransactions;
                if (!passes || IsOver())
                {
                    return answer;
                }
            }
            catch (WireException failed) when (failed.IsTransient && !IsOver())
            {
                _known.TryRemove((type, key), out _);
            }

            await Task.Delay(Backoff.After(attempt, options.RetryBackoff, TimeSpan.FromSeconds(1), 0.2), options.Clock, cancel)
                .ConfigureAwait(false);
        }

        bool IsOver() => options.Clock.GetElapsedTime(began) > options.RetryTimeout;
    }

    private async ValueTask<int> FindAsync(CoordinatorType type, string key, CancellationToken cancel)
    {
        if (_known.TryGetValue((type, key), out var broker))
        {
            return broker;
        }

        var found = await cluster.AskAnyAsync(new FindCoordinatorRequest(type, key), cancel).ConfigureAwait(false);
        if (found.Error != WireErrorCode.None)
        {
            var what = type == CoordinatorType.Transaction ? "transactional id" : "consumer group";
            throw WireException.Refused(found.Error, $"The broker that coordinates the {what} '{key}' cannot be found", found.Message);
        }

        return _known[(type, key)] = found.Broker;
    }
}
