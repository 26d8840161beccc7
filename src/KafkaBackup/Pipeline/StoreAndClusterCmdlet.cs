using KafkaBackup.Binding;

namespace KafkaBackup.Pipeline;

/// <summary>
/// A cmdlet that joins a store and a cluster, with the parameters of <see cref="StoreCmdlet"/>.
/// </summary>
public abstract partial class StoreAndClusterCmdlet : ClusterCmdlet
{
    private protected StoreSettings? Store => StoreBinding.Settings(SessionState, Path, StorageOption, StorageCredential);
}
