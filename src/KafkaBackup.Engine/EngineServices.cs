using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Engine;

/// <summary>What the engine takes from outside. Tests put faulty stores and clocks here; everybody else takes <see cref="Real"/>.</summary>
public sealed record EngineServices(
    Func<ClusterSettings, IEngineEvents, IKafkaCluster> OpenCluster,
    Func<StoreSettings, IEngineEvents, IStore> OpenStore,
    TimeProvider Clock
)
{
    public static EngineServices Real { get; } =
        new((settings, events) => KafkaCluster.Connect(settings, events), OpenRealStore, TimeProvider.System);

    private static IStore OpenRealStore(StoreSettings settings, IEngineEvents events) =>
        StoreBackends.Known.Open(
            settings,
            TimeProvider.System,
            notice =>
                events.Verbose(
                    $"The store could not {notice.Operation} ({notice.Error.Message}); trying again in {notice.Delay.TotalSeconds:0.#} s."
                ),
            events.Warning
        );
}
