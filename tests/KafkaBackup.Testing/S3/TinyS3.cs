using System.Globalization;
using System.Security;
using System.Text;

namespace KafkaBackup.Testing.S3;

/// <summary>As much of S3 as a client needs to get on between scripted faults; objects of one bucket in memory.</summary>
public sealed class TinyS3
{
    private sealed record Stored(byte[] Content, IReadOnlyDictionary<string, string> Meta);

    private sealed record Upload(string Key, IReadOnlyDictionary<string, string> Meta, SortedDictionary<int, byte[]> Parts);

    private readonly object _lock = new();
    private readonly SortedDictionary<string, Stored> _objects = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Upload> _uploads = [];
    private int _nextUpload;

    public bool HonoursConditions { get; set; } = true;

    public int PageSize { get; set; } = 1000;

    public int OpenUploads
    {
        get
        {
            lock (_lock)
            {
                return _uploads.Count;
            }
        }
    }

    public byte[]? Content(string key)
    {
        lock (_lock)
        {
            return _objects.GetValueOrDefault(key)?.Content;
        }
    }

    public ScriptedAnswer Answer(ScriptedRequest request)
    {
        lock (_lock)
        {
            return request switch
            {
                { IsListing: true } => List(request),
                { IsBegin: true } => Begin(request),
                { IsPart: true } => TakePart(request),
                { IsComplete: true } => Complete(request),
                { IsAbort: true } => _uploads.Remove(request.Query["uploadId"])
                    ? ScriptedAnswer.Empty(204)
                    : ScriptedAnswer.Error(404, "NoSuchUpload"),
                { Method: "PUT" } => Put(request),
                { Method: "GET" or "HEAD" } => Get(request),
                { Method: "DELETE" } => Delete(request),
                _ => ScriptedAnswer.Error(501, "NotImplemented"),
            };
        }
    }

    private ScriptedAnswer List(ScriptedRequest request)
    {
        var prefix = request.Query.GetValueOrDefault("prefix", "");
        var after = request.Query.GetValueOrDefault("continuation-token", "");
        var size = Math.Min(PageSize, int.Parse(request.Query.GetValueOrDefault("max-keys", "1000"), CultureInfo.InvariantCulture));
        var found = _objects
            .Where(o => o.Key.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(o.Key, after) > 0)
            .Take(size + 1)
            .ToArray();
        var more = found.Length > size;
        var body = new StringBuilder("<ListBucketResult><Name>bucket</Name>");
        foreach (var (key, stored) in found.Take(size))
        {
            body.Append(
                CultureInfo.InvariantCulture,
                $"<Contents><Key>{SecurityElement.Escape(key)}</Key><Size>{stored.Content.Length}</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            );
        }

        body.Append(CultureInfo.InvariantCulture, $"<IsTruncated>{(more ? "true" : "false")}</IsTruncated>");
        if (more)
        {
            body.Append(
                CultureInfo.InvariantCulture,
                $"<NextContinuationToken>{SecurityElement.Escape(found[size - 1].Key)}</NextContinuationToken>"
            );
        }

        return ScriptedAnswer.Xml(body.Append("</ListBucketResult>").ToString());
    }

    private ScriptedAnswer Begin(ScriptedRequest request)
    {
        var id = $"upload-{++_nextUpload}";
        _uploads[id] = new Upload(request.Key, Meta(request), []);
        return ScriptedAnswer.Xml($"<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>");
    }

    private ScriptedAnswer TakePart(ScriptedRequest request)
    {
        if (!_uploads.TryGetValue(request.Query["uploadId"], out var upload))
        {
            return ScriptedAnswer.Error(404, "NoSuchUpload");
        }

        upload.Parts[int.Parse(request.Query["partNumber"], CultureInfo.InvariantCulture)] = request.Body;
        return ScriptedAnswer.Empty(200, ("ETag", "\"part\""));
    }

    private ScriptedAnswer Complete(ScriptedRequest request)
    {
        if (!_uploads.Remove(request.Query["uploadId"], out var upload))
        {
            return ScriptedAnswer.Error(404, "NoSuchUpload");
        }

        _objects[upload.Key] = new Stored(upload.Parts.Values.SelectMany(p => p).ToArray(), upload.Meta);
        return ScriptedAnswer.Xml("<CompleteMultipartUploadResult><ETag>\"whole-1\"</ETag></CompleteMultipartUploadResult>");
    }

    private ScriptedAnswer Put(ScriptedRequest request)
    {
        if (HonoursConditions && request.Header("if-none-match") == "*" && _objects.ContainsKey(request.Key))
        {
            return ScriptedAnswer.Error(412, "PreconditionFailed");
        }

        _objects[request.Key] = new Stored(request.Body, Meta(request));
        return ScriptedAnswer.Empty(200, ("ETag", "\"object\""));
    }

    private ScriptedAnswer Get(ScriptedRequest request)
    {
        if (!_objects.TryGetValue(request.Key, out var stored))
        {
            return request.Method == "HEAD" ? ScriptedAnswer.Empty(404) : ScriptedAnswer.Error(404, "NoSuchKey");
        }

        var headers = stored
            .Meta.Select(m => (m.Key, m.Value))
            .Append(("ETag", "\"object\""))
            .Append(("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT"));
        if (request.Method == "HEAD" || request.Header("range") is not { } range)
        {
            return new ScriptedAnswer(200, stored.Content, headers.ToArray());
        }

        var bounds = range["bytes=".Length..].Split('-').Select(b => long.Parse(b, CultureInfo.InvariantCulture)).ToArray();
        if (bounds[0] >= stored.Content.Length)
        {
            return ScriptedAnswer.Error(416, "InvalidRange");
        }

        var last = Math.Min(bounds[1], stored.Content.Length - 1);
        return new ScriptedAnswer(
            206,
            stored.Content[(int)bounds[0]..((int)last + 1)],
            headers.Append(("Content-Range", $"bytes {bounds[0]}-{last}/{stored.Content.Length}")).ToArray()
        );
    }

    private ScriptedAnswer Delete(ScriptedRequest request)
    {
        _objects.Remove(request.Key);
        return ScriptedAnswer.Empty(204);
    }

    private static Dictionary<string, string> Meta(ScriptedRequest request) =>
        request
            .Headers.Where(h => h.Key.StartsWith("x-amz-meta-", StringComparison.OrdinalIgnoreCase))
            .ToDictionary(h => h.Key, h => h.Value);
}
