namespace KafkaBackup.Testing.S3;

/// <summary>A request as it came; the body is read only after the script has seen the head.</summary>
public sealed record ScriptedRequest(
    string Method,
    string Path,
    IReadOnlyDictionary<string, string> Query,
    IReadOnlyDictionary<string, string> Headers
)
{
    public byte[] Body { get; init; } = [];

    /// <summary>The path behind the bucket.</summary>
    public string Key => Path.Split('/', 3) is [_, _, var key] ? key : "";

    public string? Header(string name) => Headers.GetValueOrDefault(name);

    public bool IsListing => Method == "GET" && Query.ContainsKey("list-type");

    public bool IsPart => Method == "PUT" && Query.ContainsKey("partNumber");

    public bool IsPut => Method == "PUT" && !Query.ContainsKey("partNumber");

    public bool IsRead => Method == "GET" && Key.Length > 0 && Query.Keys.All(k => k == "x-id");

    public bool IsBegin => Method == "POST" && Query.ContainsKey("uploads");

    public bool IsComplete => Method == "POST" && Query.ContainsKey("uploadId");

    public bool IsAbort => Method == "DELETE" && Query.ContainsKey("uploadId");
}
