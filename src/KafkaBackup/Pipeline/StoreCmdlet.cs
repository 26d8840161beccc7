using System.Collections;
using System.Management.Automation;
using KafkaBackup.Binding;

namespace KafkaBackup.Pipeline;

/// <summary>A cmdlet that works on a store and needs no cluster.</summary>
public abstract class StoreCmdlet : EngineCmdlet
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
