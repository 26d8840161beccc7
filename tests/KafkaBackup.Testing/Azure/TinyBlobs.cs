using System.Globalization;
using System.Security;
using System.Text;
using System.Xml.Linq;
using KafkaBackup.Testing.S3;

namespace KafkaBackup.Testing.Azure;

/// <summary>As much of a blob service as a client needs to get on between scripted faults; blobs of one container in memory.</summary>
public sealed class TinyBlobs
{
    private sealed record Stored(byte[] Content, IReadOnlyDictionary<string, string> Meta, string ETag);

    private readonly object _lock = new();
    private readonly SortedDictionary<string, Stored> _blobs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Dictionary<string, byte[]>> _blocks = [];
    private int _version;

    /// <summary>Blobs that are listed and read as those of the Archive tier.</summary>
    public ISet<string> Archived { get; } = new HashSet<string>();

    /// <summary>True where an account's folders are listed as blobs, before what lies in them, and in an order of their own.</summary>
    public bool IsHierarchical { get; set; }

    public bool ContainerExists { get; set; } = true;

    public int PageSize { get; set; } = 5000;

    public int KeysWithBlocks
    {
        get
        {
            lock (_lock)
            {
                return _blocks.Count;
            }
        }
    }

    public byte[]? Content(string key)
    {
        lock (_lock)
        {
            return _blobs.GetValueOrDefault(key)?.Content;
        }
    }

    public ScriptedAnswer Answer(ScriptedRequest request)
    {
        lock (_lock)
        {
            var container = request.Query.GetValueOrDefault("restype") == "container";
            if (container && request.Method == "PUT")
            {
                ContainerExists = true;
                return ScriptedAnswer.Empty(201, ("ETag", "\"c\""), ("Last-Modified", Now()));
            }

            return !ContainerExists ? Error(404, "ContainerNotFound")
                : container ? List(request)
                : request.Method switch
                {
                    "PUT" when request.Query.GetValueOrDefault("comp") == "block" => Stage(request),
                    "PUT" when request.Query.GetValueOrDefault("comp") == "blocklist" => Commit(request),
                    "PUT" => Put(request, request.Body),
                    "DELETE" => Delete(request),
                    "GET" when request.Query.GetValueOrDefault("comp") == "blocklist" => Blocks(request),
                    "GET" or "HEAD" => Read(request),
                    _ => Error(405, "UnsupportedHttpVerb"),
                };
        }
    }

    public static ScriptedAnswer Error(int status, string code, string message = "scripted", string detail = "") =>
        ScriptedAnswer.Xml(
            $"<Error><Code>{code}</Code><Message>{message}\nRequestId:1\nTime:2026-01-01T00:00:00Z</Message>{(detail.Length == 0 ? "" : $"<AuthenticationErrorDetail>{detail}</AuthenticationErrorDetail>")}</Error>",
            status
        ) with
        {
            Headers = [("Content-Type", "application/xml"), ("x-ms-error-code", code)],
        };

    private ScriptedAnswer Stage(ScriptedRequest request)
    {
        if (!_blocks.TryGetValue(request.Key, out var blocks))
        {
            _blocks[request.Key] = blocks = [];
        }

        blocks[request.Query["blockid"]] = request.Body;
        return ScriptedAnswer.Empty(201);
    }

    private ScriptedAnswer Commit(ScriptedRequest request)
    {
        var names = XDocument
            .Parse(Encoding.UTF8.GetString(request.Body).TrimStart('\uFEFF'))
            .Root!.Elements()
            .Select(e => e.Value)
            .ToArray();
        var blocks = _blocks.GetValueOrDefault(request.Key) ?? [];
        return names.All(blocks.ContainsKey) ? Put(request, [.. names.SelectMany(name => blocks[name])]) : Error(400, "InvalidBlockList");
    }

    private ScriptedAnswer Put(ScriptedRequest request, byte[] content)
    {
        if (request.Header("if-none-match") == "*" && _blobs.ContainsKey(request.Key))
        {
            return Error(409, "BlobAlreadyExists");
        }

        var meta = request
            .Headers.Where(h => h.Key.StartsWith("x-ms-meta-", StringComparison.OrdinalIgnoreCase))
            .ToDictionary(h => h.Key["x-ms-meta-".Length..], h => h.Value);
        var stored = _blobs[request.Key] = new Stored(content, meta, $"\"{++_version}\"");
        _blocks.Remove(request.Key);
        return ScriptedAnswer.Empty(201, ("ETag", stored.ETag), ("Last-Modified", Now()));
    }

    private ScriptedAnswer Delete(ScriptedRequest request)
    {
        if (!_blobs.TryGetValue(request.Key, out var stored))
        {
            return Error(404, "BlobNotFound");
        }

        if (request.Header("if-match") is { } match && match != stored.ETag)
        {
            return Error(412, "ConditionNotMet");
        }

        _blobs.Remove(request.Key);
        return ScriptedAnswer.Empty(202);
    }

    private ScriptedAnswer Blocks(ScriptedRequest request) =>
        ScriptedAnswer.Xml(
            "<BlockList><CommittedBlocks/><UncommittedBlocks>"
                + string.Concat(
                    (_blocks.GetValueOrDefault(request.Key) ?? []).Select(b =>
                        $"<Block><Name>{b.Key}</Name><Size>{b.Value.Length}</Size></Block>"
                    )
                )
                + "</UncommittedBlocks></BlockList>"
        );

    private ScriptedAnswer Read(ScriptedRequest request)
    {
        if (!_blobs.TryGetValue(request.Key, out var stored))
        {
            return Error(404, "BlobNotFound");
        }

        List<(string, string)> headers =
        [
            ("ETag", stored.ETag),
            ("Last-Modified", Now()),
            ("x-ms-blob-type", "BlockBlob"),
            ("x-ms-creation-time", Now()),
            ("Accept-Ranges", "bytes"),
            .. stored.Meta.Select(m => ("x-ms-meta-" + m.Key, m.Value)),
        ];
        if (Archived.Contains(request.Key))
        {
            headers.Add(("x-ms-access-tier", "Archive"));
        }

        if (request.Method == "HEAD")
        {
            headers.Add(("Content-Length", stored.Content.Length.ToString(CultureInfo.InvariantCulture)));
            return ScriptedAnswer.Empty(200, [.. headers]);
        }

        if (Archived.Contains(request.Key))
        {
            return Error(409, "BlobArchived");
        }

        if (request.Header("if-match") is { } match && match != stored.ETag)
        {
            return Error(412, "ConditionNotMet");
        }

        var range = (request.Header("x-ms-range") ?? request.Header("range"))!["bytes=".Length..].Split('-');
        var from = int.Parse(range[0], CultureInfo.InvariantCulture);
        if (from >= stored.Content.Length)
        {
            return Error(416, "InvalidRange");
        }

        var to = (int)Math.Min(long.Parse(range[1], CultureInfo.InvariantCulture), stored.Content.Length - 1);
        headers.Add(("Content-Range", $"bytes {from}-{to}/{stored.Content.Length}"));
        return new ScriptedAnswer(206, stored.Content[from..(to + 1)], [.. headers]);
    }

    private ScriptedAnswer List(ScriptedRequest request)
    {
        var prefix = request.Query.GetValueOrDefault("prefix") ?? "";
        var delimiter = request.Query.GetValueOrDefault("delimiter");
        var size = Math.Min(PageSize, int.Parse(request.Query.GetValueOrDefault("maxresults") ?? "5000", CultureInfo.InvariantCulture));
        var start = int.Parse(
            request.Query.GetValueOrDefault("marker") is { Length: > 0 } marker ? marker : "0",
            CultureInfo.InvariantCulture
        );
        var uncommitted = request.Query.GetValueOrDefault("include")?.Contains("uncommitted", StringComparison.Ordinal) is true;
        var names = _blobs
            .Keys.Concat(uncommitted ? _blocks.Keys : [])
            .Distinct()
            .Where(k => k.StartsWith(prefix, StringComparison.Ordinal));
        var entries = names.Select(name => Entry(name, prefix, delimiter)).ToList();
        if (IsHierarchical && delimiter is null)
        {
            entries.AddRange(
                names.SelectMany(FoldersOf).Where(f => f.StartsWith(prefix, StringComparison.Ordinal)).Distinct().Select(Folder)
            );
            entries = [.. entries.OrderBy(e => e.Name.Replace('/', '\u0001'), StringComparer.Ordinal)];
        }
        else
        {
            entries = [.. entries.DistinctBy(e => e.Name).OrderBy(e => e.Name, StringComparer.Ordinal)];
        }

        var page = entries.Skip(start).Take(size).ToArray();
        var next = start + page.Length < entries.Count ? (start + page.Length).ToString(CultureInfo.InvariantCulture) : "";
        return ScriptedAnswer.Xml(
            $"<EnumerationResults><Prefix>{SecurityElement.Escape(prefix)}</Prefix><Blobs>{string.Concat(page.Select(p => p.Xml))}</Blobs><NextMarker>{next}</NextMarker></EnumerationResults>"
        );
    }

    private (string Name, string Xml) Entry(string name, string prefix, string? delimiter)
    {
        var end = delimiter is null ? -1 : name.IndexOf('/', prefix.Length);
        if (end >= 0)
        {
            return (name[..(end + 1)], $"<BlobPrefix><Name>{SecurityElement.Escape(name[..(end + 1)])}</Name></BlobPrefix>");
        }

        var stored = _blobs.GetValueOrDefault(name);
        var tier = Archived.Contains(name) ? "Archive" : "Hot";
        return (
            name,
            $"<Blob><Name>{SecurityElement.Escape(name)}</Name><Properties><Last-Modified>{Now()}</Last-Modified><Etag>{stored?.ETag}</Etag><Content-Length>{stored?.Content.Length ?? 0}</Content-Length><BlobType>BlockBlob</BlobType><AccessTier>{tier}</AccessTier></Properties>"
                + $"<Metadata>{string.Concat((stored?.Meta ?? new Dictionary<string, string>()).Select(m => $"<{m.Key}>{m.Value}</{m.Key}>"))}</Metadata></Blob>"
        );
    }

    private static (string Name, string Xml) Folder(string name) =>
        (
            name,
            $"<Blob><Name>{SecurityElement.Escape(name)}</Name><Properties><Last-Modified>{Now()}</Last-Modified><Etag>\"f\"</Etag><Content-Length>0</Content-Length><BlobType>BlockBlob</BlobType></Properties><Metadata><hdi_isfolder>true</hdi_isfolder></Metadata></Blob>"
        );

    private static IEnumerable<string> FoldersOf(string name) =>
        name.Select((c, i) => (c, i)).Where(p => p.c == '/').Select(p => name[..p.i]);

    private static string Now() => DateTimeOffset.UtcNow.ToString("R", CultureInfo.InvariantCulture);
}
