using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;
using KafkaBackup.Engine.Rules;

namespace KafkaBackup.Engine.Storage.S3;

/// <summary>
/// What is said about every object that is written: encryption, storage class, retention. Objects whose names say that they are written
/// again or removed in the normal course of things (the lock, the newest head's copy for people, the store's own scratch objects) get
/// neither class nor retention: a retained lock could never be released, and cold classes charge for a month whatever is replaced after a
/// second.
/// </summary>
internal sealed class S3Requests(S3Options options, TimeProvider time)
{
    /// <summary>Tells our own write from another's when an answer was lost.</summary>
    public const string TokenName = "kafkabackup-write";

    private static readonly string[] ReplacedNames = [StoreNames.Lock, StoreNames.Manifest];

    public string FullKey(string key) => options.Prefix + key;

    public static bool IsReplaced(string key)
    {
        var name = key.AsSpan(key.LastIndexOf('/') + 1);
        foreach (var replaced in ReplacedNames)
        {
            if (name.SequenceEqual(replaced))
            {
                return true;
            }
        }

        return name.StartsWith(StoreKey.ReservedNameStart, StringComparison.Ordinal);
    }

    public PutObjectRequest Put(string key, Stream body, string token, bool withDigest)
    {
        var request = new PutObjectRequest
        {
            BucketName = options.Bucket,
            Key = FullKey(key),
            InputStream = body,
            AutoCloseStream = false,
            AutoResetStreamPosition = false,
            UseChunkEncoding = false,
            ServerSideEncryptionMethod = Encryption,
            ServerSideEncryptionKeyManagementServiceKeyId = options.KmsKeyId,
        };
        request.Metadata[TokenName] = token;
        if (!IsReplaced(key))
        {
            request.StorageClass = Class;
            if (RetainUntil(key) is { } until)
            {
                request.ObjectLockMode = ObjectLockMode.Compliance;
                request.ObjectLockRetainUntilDate = until;
            }
        }

        if (withDigest || request.ObjectLockMode is not null)
        {
            request.MD5Digest = Digest(body);
        }

        return request;
    }

    public InitiateMultipartUploadRequest Begin(string key, string token)
    {
        var request = new InitiateMultipartUploadRequest
        {
            BucketName = options.Bucket,
            Key = FullKey(key),
            ServerSideEncryptionMethod = Encryption,
            ServerSideEncryptionKeyManagementServiceKeyId = options.KmsKeyId,
        };
        request.Metadata[TokenName] = token;
        if (!IsReplaced(key))
        {
            request.StorageClass = Class;
            if (RetainUntil(key) is { } until)
            {
                request.ObjectLockMode = ObjectLockMode.Compliance;
                request.ObjectLockRetainUntilDate = until;
            }
        }

        return request;
    }

    public UploadPartRequest Part(string key, string uploadId, int number, S3Part part, bool withDigest)
    {
        var body = part.OpenBody();
        var request = new UploadPartRequest
        {
            BucketName = options.Bucket,
            Key = FullKey(key),
            UploadId = uploadId,
            PartNumber = number,
            PartSize = part.Length,
            InputStream = body,
            UseChunkEncoding = false,
        };
        if (withDigest || RetainUntil(key) is not null)
        {
            request.MD5Digest = Digest(body);
        }

        return request;
    }

    private ServerSideEncryptionMethod? Encryption => options.Encryption is { } name ? ServerSideEncryptionMethod.FindValue(name) : null;

    private S3StorageClass? Class => options.StorageClass is { } name ? S3StorageClass.FindValue(name) : null;

    /// <summary>Null for what is not to be retained.</summary>
    public DateTime? RetainUntil(string key) =>
        options.ObjectLockDays is { } days && !IsReplaced(key) ? time.GetUtcNow().UtcDateTime.AddDays(days) : null;

    /// <summary>S3 demands MD5 for locked objects; it guards against nothing but broken lines here.</summary>
    private static string Digest(Stream body)
    {
#pragma warning disable CA5351
        using var md5 = MD5.Create();
#pragma warning restore CA5351
        var digest = Convert.ToBase64String(md5.ComputeHash(body));
        body.Position = 0;
        return digest;
    }
}
