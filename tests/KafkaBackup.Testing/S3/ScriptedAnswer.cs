using System.Text;

namespace KafkaBackup.Testing.S3;

public sealed record ScriptedAnswer(int Status, byte[] Body, params (string Name, string Value)[] Headers)
{
    /// <summary>How many bytes of a request's body are read before the line is cut with a reset.</summary>
    public int? ResetAfter { get; init; }

    /// <summary>How many bytes of the answer's body are sent, of the length that was announced, before the line is closed.</summary>
    public int? CutAt { get; init; }

    public TimeSpan Delay { get; init; }

    public static ScriptedAnswer Empty(int status = 200, params (string Name, string Value)[] headers) => new(status, [], headers);

    public static ScriptedAnswer Xml(string body, int status = 200) =>
        new(status, Encoding.UTF8.GetBytes("<?xml version=\"1.0\" encoding=\"UTF-8\"?>" + body), ("Content-Type", "application/xml"));

    public static ScriptedAnswer Error(int status, string code, string message = "scripted", string more = "") =>
        Xml($"<Error><Code>{code}</Code><Message>{message}</Message>{more}<RequestId>1</RequestId></Error>", status);

    public static ScriptedAnswer Html(int status = 200) =>
        new(
            status,
            Encoding.UTF8.GetBytes("<!DOCTYPE html><html><head><title>Welcome</title></head><body>It works!<br></body></html>"),
            ("Content-Type", "text/html")
        );

    /// <summary>Takes so much of the body, then resets the connection.</summary>
    public static ScriptedAnswer Reset(int afterBodyBytes = 0) => Empty() with { ResetAfter = afterBodyBytes };
}
