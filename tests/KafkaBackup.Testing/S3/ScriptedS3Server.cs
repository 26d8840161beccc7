using KafkaBackup.Testing.Http;

namespace KafkaBackup.Testing.S3;

/// <summary>An S3 server after a script, over <see cref="TinyS3"/>.</summary>
public sealed class ScriptedS3Server : ScriptedServer
{
    public TinyS3 Store { get; } = new();

    protected override string RequestIdHeader => "x-amz-request-id";

    public StoreSettings Settings(string path = "s3://bucket/backups", params (string Name, string Value)[] options)
    {
        var all = new Dictionary<string, string>
        {
            ["endpoint"] = Endpoint,
            ["path_style"] = "true",
            ["allow_http"] = "true",
        };
        foreach (var (name, value) in options)
        {
            all[name] = value;
        }

        return new StoreSettings
        {
            Path = path,
            Options = all,
            AccessKey = "AKIDEXAMPLE",
            SecretKey = new Secret("secret-that-nobody-may-see"),
        };
    }

    protected override ScriptedAnswer AnswerWell(ScriptedRequest request) => Store.Answer(request);

    protected override bool IsPart(ScriptedRequest request) => request.IsPart;
}
