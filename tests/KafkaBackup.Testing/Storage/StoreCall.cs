namespace KafkaBackup.Testing.Storage;

/// <summary>What a store can be asked for, as faults and crashes count it.</summary>
public enum StoreCall
{
    Find,
    List,
    ListFolders,
    Read,
    Create,
    Write,
    Commit,
    Put,
    PutIfAbsent,
    Delete,
    ListUploads,
    DropUpload,
    Clock,
}
