using KafkaBackup.Binding;

namespace KafkaBackup.Pipeline;

/// <summary>A cmdlet that works on a store and needs no cluster.</summary>
public abstract partial class StoreCmdlet : EngineCmdlet
{
    private protected StoreSettings? Store => StoreBinding.Settings(SessionState, Path, StorageOption, StorageCredential);
}
