namespace KafkaBackup.Engine.Storage.Azure;

/// <summary>What a request is, for its time limit and for messages.</summary>
/// <param name="Action">As messages put it: "read", "list".</param>
/// <param name="Permission">The letter that a SAS needs for it.</param>
/// <param name="Key">The object's key in the store, or what is listed.</param>
/// <param name="Bytes">How much it moves.</param>
internal sealed record AzureCall(string Action, char Permission, string Key, long Bytes = 0)
{
    public bool Writes { get; init; }

    /// <summary>It finds out whether there is a blob service with this container at all.</summary>
    public bool Recognises { get; init; }

    /// <summary>Null takes the store's.</summary>
    public TimeSpan? RetryBudget { get; init; }

    public static AzureCall Read(string key, long bytes = 0) => new("read", 'r', key, bytes);

    public static AzureCall List(string prefix) => new("list", 'l', prefix);

    public static AzureCall Write(string key, long bytes = 0) => new("write", 'w', key, bytes) { Writes = true };

    /// <summary>A block that nobody sees before the commit.</summary>
    public static AzureCall Stage(string key, long bytes) => new("write", 'w', key, bytes);

    public static AzureCall Delete(string key) => new("delete", 'd', key) { Writes = true };
}
