using KafkaBackup.Testing.Http;
using KafkaBackup.Testing.S3;

namespace KafkaBackup.Testing.Azure;

/// <summary>A blob service after a script, over <see cref="TinyBlobs"/>.</summary>
public sealed class ScriptedBlobServer : ScriptedServer
{
    public const string Key = "c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1zZWU=";

    public const string SasSignature = "c2lnbmF0dXJlLXRoYXQtbm9ib2R5LW1heS1zZWU%3D";

    public TinyBlobs Store { get; } = new();

    protected override string RequestIdHeader => "x-ms-request-id";

    public StoreSettings Settings(params (string Name, string Value)[] options)
    {
        var all = new Dictionary<string, string> { ["endpoint"] = $"{Endpoint}/account", ["allow_http"] = "true" };
        foreach (var (name, value) in options)
        {
            all[name] = value;
        }

        return new StoreSettings
        {
            Path = "az://account/container/backups",
            Options = all,
            Secrets = new Dictionary<string, Secret> { ["account_key"] = new(Key) },
        };
    }

    /// <summary>With a SAS in the place of the key.</summary>
    public StoreSettings SasSettings(DateTimeOffset end) =>
        Settings() with
        {
            Secrets = new Dictionary<string, Secret>
            {
                ["sas_token"] = new($"?sv=2021-12-02&sr=c&sp=rwdl&se={end:yyyy-MM-ddTHH:mm:ssZ}&sig={SasSignature}"),
            },
        };

    // An emulator's path names the account before the container.
    protected override ScriptedAnswer AnswerWell(ScriptedRequest request) => Store.Answer(WithoutAccount(request));

    protected override bool IsPart(ScriptedRequest request) => request.Query.GetValueOrDefault("comp") == "block";

    public static ScriptedRequest WithoutAccount(ScriptedRequest request) =>
        request with
        {
            Path = request.Path.Split('/', 3) is [_, "account", var rest] ? "/" + rest : request.Path,
        };
}
