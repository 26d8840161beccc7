using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Xml;
using Amazon.Runtime;
using Amazon.S3;

namespace KafkaBackup.Engine.Storage.S3;

internal enum S3Recovery
{
    None,
    Again,
    SlowDown,
    RenewCredentials,
    CorrectClock,
    SendDigest,
}

internal sealed record S3Fault(KafkaBackupException Error, S3Recovery Recovery);

/// <summary>
/// From what the SDK throws to what an administrator can act on: one error a cause, with the bucket, the server and the next step.
/// </summary>
internal sealed class S3Faults(S3Options options, S3Connection connection)
{
    private string Bucket => $"bucket '{options.Bucket}' at {connection.Address}";

    public S3Fault Explain(Exception exception, S3Call call)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            switch (e)
            {
                case KafkaBackupException known:
                    return new(known, StoreFault.IsTransient(known) ? S3Recovery.Again : S3Recovery.None);
                case NotS3Exception or AmazonUnmarshallingException or XmlException:
                    return NotS3(exception);
                case RedirectedException redirected:
                    return Redirected(redirected, exception);
                case AmazonServiceException answer when (int)answer.StatusCode != 0:
                    return ByAnswer(answer, call);
                case AuthenticationException tls:
                    return Final(
                        ErrorIds.StoreUnavailable,
                        $"No secure connection to {connection.Address}: {tls.Message}",
                        exception,
                        "Check that the endpoint speaks TLS and that this machine trusts its certificate."
                    );
                case HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse }
                or HttpIOException { HttpRequestError: HttpRequestError.InvalidResponse } when call.Recognises:
                    return NotS3(exception);
                case HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded } when call.Recognises:
                    return Passing(
                        ErrorIds.StoreUnavailable,
                        $"{connection.Address} ends connections without an answer.",
                        exception,
                        "Check the option endpoint: scheme, host and port of the S3 service. A port that expects TLS or speaks another protocol does this."
                    );
                case HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } name:
                    return Passing(
                        ErrorIds.StoreUnavailable,
                        $"The address of the {Bucket} could not be resolved: {name.Message}.",
                        exception,
                        "Check the options endpoint and region and the name service; servers that do not know buckets as host names need path_style: true."
                    );
                case SocketException socket:
                    return Passing(ErrorIds.StoreUnavailable, $"No connection to {connection.Address}: {socket.Message}.", exception);
                case OperationCanceledException or TimeoutException:
                    return Passing(ErrorIds.StoreUnavailable, $"{connection.Address} did not answer {Describe(call)} in time.", exception);
            }
        }

        return exception is HttpRequestException or IOException or AmazonClientException or AmazonServiceException
            ? Passing(
                call.Writes ? ErrorIds.StoreWrite : ErrorIds.StoreRead,
                $"The connection to {connection.Address} broke during {Describe(call)}: {exception.Message}",
                exception
            )
            : Final(ErrorIds.Unexpected, $"{Describe(call)} failed: {exception.Message}", exception);
    }

    /// <summary>An answer that no S3 server gives.</summary>
    public S3Fault NotS3(Exception? exception) =>
        Final(
            ErrorIds.StoreConfiguration,
            $"What answers at {connection.Address} is not an S3 server.",
            exception,
            "Check the option endpoint: host and port of the S3 service, not of its console or of a web site."
        );

    /// <summary>An answer that cannot be right, but may be at the next try.</summary>
    public KafkaBackupException Suspect(S3Call call, string message) =>
        (call.Writes ? ErrorIds.StoreWrite : ErrorIds.StoreRead)
            .With($"{connection.Address} answered {Describe(call)} {message}", call.Key)
            .AsTransient();

    private S3Fault ByAnswer(AmazonServiceException answer, S3Call call)
    {
        var status = (int)answer.StatusCode;
        switch (answer.ErrorCode)
        {
            case "NoSuchBucket":
                return Final(
                    ErrorIds.StoreNotFound,
                    $"There is no {Bucket}.",
                    answer,
                    "Check the bucket's name and the endpoint, or create the bucket."
                );
            case "NoSuchKey" when call.Recognises:
                return Final(
                    ErrorIds.StoreConfiguration,
                    $"{connection.Address} takes the bucket's name for that of an object.",
                    answer,
                    "Remove the bucket from the option endpoint: the bucket is named in the path only, s3://bucket/prefix."
                );
            case "NoSuchKey":
                return Final(ErrorIds.StoreObjectMissing, $"There is no object '{call.Key}' in {options.Location}.", answer);
            case "InvalidAccessKeyId":
                return Final(
                    ErrorIds.StoreAuthentication,
                    $"{connection.Address} does not know the access key from {connection.Credentials.Origin}.",
                    answer,
                    "Check the access key and that it belongs to this endpoint."
                );
            case "SignatureDoesNotMatch":
                return Final(
                    ErrorIds.StoreAuthentication,
                    $"{connection.Address} refused the signature made with {connection.Credentials.Origin}: the secret key is wrong.",
                    answer,
                    "Check the secret key. If it is right, check that no proxy changes requests, and the options region and path_style."
                );
            case "InvalidToken" or "InvalidSecurity" or "AuthFailure" or "NotSignedUp" or "UnauthorizedAccess":
                return Final(
                    ErrorIds.StoreAuthentication,
                    $"{connection.Address} refused the credentials from {connection.Credentials.Origin}: {answer.Message}",
                    answer,
                    "Check the keys and the session token; temporary keys need theirs."
                );
            case "ExpiredToken" or "ExpiredTokenException" or "TokenRefreshRequired" or "RequestExpired":
                return new(
                    ErrorIds.StoreAuthentication.With(
                        $"The temporary credentials from {connection.Credentials.Origin} have expired.",
                        options.Location,
                        "Get new ones, then run again: the backup continues. For long runs use a profile or a role, whose credentials are renewed by themselves.",
                        answer
                    ),
                    S3Recovery.RenewCredentials
                );
            case "RequestTimeTooSkewed":
                return new(
                    ErrorIds.StoreAuthentication.With(
                        $"This machine's clock differs{Skew()} from that of {connection.Address}, which refuses requests for that.",
                        options.Location,
                        "Set this machine's clock (time synchronisation); more than 15 minutes are not accepted.",
                        answer
                    ),
                    S3Recovery.CorrectClock
                );
            case "PermanentRedirect" or "AuthorizationHeaderMalformed" or "IllegalLocationConstraintException" or "TemporaryRedirect":
                return WrongRegion(answer);
            case "SlowDown"
            or "Throttling"
            or "ThrottlingException"
            or "RequestLimitExceeded"
            or "TooManyRequests"
            or "TooManyRequestsException"
            or "RequestThrottled"
            or "Busy":
                return SlowDown(answer);
            case "QuotaExceeded" or "XMinioStorageFull" or "StorageFull" or "InsufficientStorage":
                return Final(ErrorIds.StoreFull, $"{options.Location} has no space left: {answer.Message}", answer);
            case "InvalidStorageClass":
                return Final(
                    ErrorIds.StoreConfiguration,
                    $"{connection.Address} does not know storage class {options.StorageClass}.",
                    answer,
                    "Correct or remove storage_class."
                );
            case "InvalidObjectState":
                return Final(
                    ErrorIds.StoreRead,
                    $"'{call.Key}' in {options.Location} has been moved to an archive and cannot be read.",
                    answer,
                    StoreObject.ArchivedAdvice
                );
            case "KeyTooLongError" or "KeyTooLong":
                return Final(
                    ErrorIds.InvalidPath,
                    $"'{call.Key}' below {options.Location} is longer than S3 allows (1024 bytes).",
                    answer,
                    "Use a shorter prefix."
                );
            case "NoSuchUpload":
                return Final(
                    ErrorIds.StoreWrite,
                    $"The upload of '{call.Key}' to {options.Location} was ended by somebody else.",
                    answer,
                    "Check for lifecycle rules or programs that abort multipart uploads, then run again."
                );
            case "RequestTimeout"
            or "IncompleteBody"
            or "BadDigest"
            or "XAmzContentSHA256Mismatch"
            or "InternalError"
            or "OperationAborted"
            or "ConditionalRequestConflict":
                return Again(answer, call);
        }

        if (AsksForDigest(answer))
        {
            return new(Refused(answer, call), S3Recovery.SendDigest);
        }

        return status switch
        {
            301 or 307 => WrongRegion(answer),
            400 or 404 or 405 when call.Recognises && IsWordless(answer) => NotS3(answer),
            400 when Mentions(answer, "object lock") || Mentions(answer, "ObjectLock") => Final(
                ErrorIds.StoreConfiguration,
                $"The {Bucket} refused object lock retention: {answer.Message}",
                answer,
                "Use a bucket that was created with object lock, or remove object_lock_days."
            ),
            400 when options.Encryption is not null && (Mentions(answer, "kms") || Mentions(answer, "encrypt")) => Encryption(answer),
            400 when call.Writes && answer.ErrorCode is "InvalidRequest" or "InvalidArgument" && UnusualOptions is { Count: > 0 } unusual =>
                Final(
                    ErrorIds.StoreConfiguration,
                    $"The {Bucket} refused to store '{call.Key}' with {string.Join(", ", unusual)}: {NameOf(answer)}.",
                    answer,
                    $"Check these options against what the server and the bucket support: {string.Join(", ", unusual)}. object_lock_days needs a bucket that was created with object lock."
                ),
            401 => Final(
                ErrorIds.StoreAuthentication,
                $"{connection.Address} refused the credentials from {connection.Credentials.Origin}{Reason(answer)}.",
                answer
            ),
            403 => Final(
                ErrorIds.StoreAccessDenied,
                $"{connection.Address} denied {call.Action} on {Describe(call.Key)}{Reason(answer)}.",
                answer,
                $"Grant {call.Action} to the account of {connection.Credentials.Origin}; backups need s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload, "
                    + "deep checks and repairs s3:ListBucketMultipartUploads too."
            ),
            404 => Final(ErrorIds.StoreObjectMissing, $"There is no object '{call.Key}' in {options.Location}.", answer),
            429 => SlowDown(answer),

            // What S3 means by it stands in a body, which this answer cannot have.
            503 when call.IsHead => SlowDown(answer),
            501 => Final(
                ErrorIds.StoreConfiguration,
                $"{connection.Address} does not support {Describe(call)} as it is configured: {answer.Message}",
                answer,
                "Remove the options that this server does not know: sse, storage_class, object_lock_days."
            ),
            507 => Final(ErrorIds.StoreFull, $"{options.Location} has no space left: {answer.Message}", answer),
            408 or 409 or >= 500 => Again(answer, call),
            _ => new(Refused(answer, call), S3Recovery.None),
        };
    }

    /// <summary>What a server may not know or a bucket not allow; some refuse it without a word.</summary>
    private List<string> UnusualOptions
    {
        get
        {
            var unusual = new List<string>();
            if (options.ObjectLockDays is { } days)
            {
                unusual.Add(string.Create(CultureInfo.InvariantCulture, $"object_lock_days: {days}"));
            }

            if (options.StorageClass is { } storageClass)
            {
                unusual.Add($"storage_class: {storageClass}");
            }

            if (options.Encryption is { } encryption)
            {
                unusual.Add($"sse: {encryption}");
            }

            return unusual;
        }
    }

    private S3Fault SlowDown(AmazonServiceException answer) =>
        new(
            ErrorIds
                .StoreUnavailable.With(
                    $"{connection.Address} asks to slow down.",
                    options.Location,
                    "Lower max_concurrent_partitions or set a rate limit, or try at a quieter time.",
                    answer
                )
                .AsTransient(),
            S3Recovery.SlowDown
        );

    private S3Fault Encryption(AmazonServiceException answer) =>
        Final(
            ErrorIds.StoreConfiguration,
            $"The {Bucket} refused server-side encryption {options.Encryption}: {answer.Message}",
            answer,
            "Check sse and sse_kms_key_id, and that this account may use that key."
        );

    private S3Fault Redirected(RedirectedException redirected, Exception exception) =>
        connection.Transport.BucketRegion is not null
            ? WrongRegion(exception)
            : Final(
                ErrorIds.StoreConfiguration,
                $"{connection.Address} redirects to '{redirected.Host}', and requests are sent to the configured host only.",
                exception,
                $"If '{redirected.Host}' is the right server, set the option endpoint to it. If not, check what answers at {connection.Address}: a proxy or a login page may redirect."
            );

    private S3Fault WrongRegion(Exception answer)
    {
        var right = connection.Transport.BucketRegion;
        return Final(
            ErrorIds.StoreConfiguration,
            $"The {Bucket} is not in region {connection.Region}{(right is null ? "" : $" but in {right}")}.",
            answer,
            right is null
                ? "Set the option region to the bucket's region, and endpoint to the address of that region."
                : $"Set region: {right}."
        );
    }

    private S3Fault Again(AmazonServiceException answer, S3Call call) =>
        new(
            (call.Writes ? ErrorIds.StoreWrite : ErrorIds.StoreRead)
                .With(
                    $"{connection.Address} failed at {Describe(call)}: {NameOf(answer)}.",
                    call.Key,
                    "This is the server's trouble: run again later.",
                    answer
                )
                .AsTransient(),
            S3Recovery.Again
        );

    private KafkaBackupException Refused(AmazonServiceException answer, S3Call call) =>
        (call.Writes ? ErrorIds.StoreWrite : ErrorIds.StoreRead).With(
            $"{connection.Address} refused {Describe(call)}: {NameOf(answer)}.",
            call.Key,
            "Check the options of the store against what this server supports.",
            answer
        );

    private S3Fault Final(ErrorDefinition definition, string message, Exception? inner, string? advice = null) =>
        new(definition.With(message, options.Location, advice, inner), S3Recovery.None);

    private S3Fault Passing(ErrorDefinition definition, string message, Exception inner, string? advice = null) =>
        new(definition.With(message, options.Location, advice, inner).AsTransient(), S3Recovery.Again);

    private string Skew()
    {
        if (connection.Transport.MachineAhead is not { } ahead)
        {
            return "";
        }

        var minutes = Math.Abs(ahead.TotalMinutes).ToString("0.#", CultureInfo.InvariantCulture);
        return $" by {minutes} minutes ({(ahead > TimeSpan.Zero ? "ahead" : "behind")})";
    }

    public string Describe(S3Call call) => $"{call.Action} on {Describe(call.Key)}";

    private string Describe(string key) => key.Length == 0 ? options.Location : $"'{key}' in {options.Location}";

    private static string NameOf(AmazonServiceException answer) =>
        $"{(int)answer.StatusCode} {answer.ErrorCode}: {answer.Message}".TrimEnd('.', ' ', ':');

    /// <summary>Some servers refuse without a word.</summary>
    private static string Reason(AmazonServiceException answer) =>
        string.IsNullOrWhiteSpace(answer.Message) ? "" : ": " + answer.Message.TrimEnd('.', ' ');

    /// <summary>No error of S3's: the SDK found none in the answer and took the status for its code.</summary>
    private static bool IsWordless(AmazonServiceException answer) =>
        string.IsNullOrEmpty(answer.ErrorCode) || answer.ErrorCode == answer.StatusCode.ToString();

    private static bool AsksForDigest(AmazonServiceException answer) =>
        answer.StatusCode == HttpStatusCode.BadRequest && (answer.ErrorCode is "MissingContentMD5" || Mentions(answer, "Content-MD5"));

    private static bool Mentions(AmazonServiceException answer, string text) =>
        answer.Message.Contains(text, StringComparison.OrdinalIgnoreCase)
        || (answer.ErrorCode?.Contains(text, StringComparison.OrdinalIgnoreCase) ?? false);
}
