using System.Collections;
using System.Management.Automation;
using KafkaBackup.Binding;

namespace KafkaBackup.Pipeline;

/// <summary>
/// A cmdlet that joins a store and a cluster. The store's parameters are those of <see cref="StoreCmdlet"/>; a test keeps them alike.
/// </summary>
public abstract class StoreAndClusterCmdlet : ClusterCmdlet
{
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    public string? Path { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [MapForm]
    public Hashtable? StorageOption { get; set; }

    [Parameter]
    public PSCredential? StorageCredential { get; set; }

    private protected StoreSettings? Store => StoreBinding.Settings(SessionState, Path, StorageOption, StorageCredential);
}
