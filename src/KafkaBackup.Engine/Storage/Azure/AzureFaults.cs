using System.Net.Sockets;
using System.Security.Authentication;
using System.Xml;
using Azure;
using Azure.Identity;

namespace KafkaBackup.Engine.Storage.Azure;

internal enum AzureRecovery
{
    None,
    Again,
    SlowDown,
}

internal sealed record AzureFault(KafkaBackupException Error, AzureRecovery Recovery);

/// <summary>
/// From what the SDK throws to what an administrator can act on: one error a cause, with the container, the server and the next step.
/// Refusals of identities are <see cref="AzureDenials"/>'.
/// </summary>
internal sealed class AzureFaults(AzureOptions options, AzureConnection connection)
{
    private readonly AzureDenials _denials = new(options, connection);

    private string Container => $"container '{options.Address.Container}' at {connection.Address}";

    public AzureFault Explain(Exception exception, AzureCall call)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            switch (e)
            {
                case KafkaBackupException known:
                    return new(known, StoreFault.IsTransient(known) ? AzureRecovery.Again : AzureRecovery.None);
                case NotBlobServiceException:
                    return NotBlobService(exception);
                case XmlException when call.Recognises:
                    return NotBlobService(exception);
                case RedirectedException redirected:
                    return Final(
                        ErrorIds.StoreConfiguration,
                        $"{connection.Address} redirects to '{redirected.Host}', and requests are sent to the configured host only.",
                        exception,
                        $"If '{redirected.Host}' is the right server, set the option endpoint to it. If not, check what answers at {connection.Address}: a proxy or a login page may redirect."
                    );
                case AuthenticationFailedException token:
                    return _denials.OfToken(token);
                case RequestFailedException { Status: > 0 } answer:
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
                    return NotBlobService(exception);
                case HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError }:
                    return Passing(
                        ErrorIds.StoreUnavailable,
                        $"The address {connection.Address} could not be resolved: there may be no storage account '{options.Address.Account}'.",
                        exception,
                        "Check the account's name in the path, the option endpoint and the name service (private endpoints need theirs)."
                    );
                case SocketException socket:
                    return Passing(ErrorIds.StoreUnavailable, $"No connection to {connection.Address}: {socket.Message}.", exception);
                case OperationCanceledException or TimeoutException:
                    return Passing(ErrorIds.StoreUnavailable, $"{connection.Address} did not answer {Describe(call)} in time.", exception);
            }
        }

        return exception is HttpRequestException or IOException or RequestFailedException or XmlException
            ? Passing(
                call.Writes ? ErrorIds.StoreWrite : ErrorIds.StoreRead,
                $"The connection to {connection.Address} broke during {Describe(call)}: {FirstLine(exception)}.",
                exception
            )
            : Final(ErrorIds.Unexpected, $"{Describe(call)} failed: {FirstLine(exception)}.", exception);
    }

    /// <summary>An answer that cannot be right, but may be at the next try.</summary>
    public KafkaBackupException Suspect(AzureCall call, string message) =>
        (call.Writes ? ErrorIds.StoreWrite : ErrorIds.StoreRead)
            .With($"{connection.Address} answered {Describe(call)} {message}", call.Key)
            .AsTransient();

    public KafkaBackupException MissingObject(AzureCall call, Exception? cause) =>
        ErrorIds.StoreObjectMissing.With($"There is no object '{call.Key}' in {options.Location}.", call.Key, inner: cause);

    public string Describe(AzureCall call) =>
        call.Key.Length == 0 ? $"{call.Action} {options.Location}" : $"{call.Action} '{call.Key}' in {options.Location}";

    public static bool IsMissingContainer(Exception? exception) => exception is RequestFailedException { ErrorCode: "ContainerNotFound" };

    /// <summary>A condition that there be no blob was not met.</summary>
    public static bool IsInTheWay(RequestFailedException answer) =>
        answer.ErrorCode is "BlobAlreadyExists" or "ConditionNotMet" or "UnauthorizedBlobOverwrite";

    public static string FirstLine(Exception exception) => exception.Message.Split('\r', '\n')[0].TrimEnd('.', ' ');

    private AzureFault ByAnswer(RequestFailedException answer, AzureCall call)
    {
        switch (answer.ErrorCode)
        {
            case "ContainerNotFound":
                return Final(
                    ErrorIds.StoreNotFound,
                    $"There is no {Container}.",
                    answer,
                    "Check the container's name, or create it; with create_container: true the first write does."
                );
            case "ContainerBeingDeleted" or "ContainerDisabled":
                return Final(
                    ErrorIds.StoreNotFound,
                    $"The {Container} is being deleted.",
                    answer,
                    "Use another container, or wait until it has gone."
                );
            case "BlobNotFound" or "ResourceNotFound":
                return new(MissingObject(call, answer), AzureRecovery.None);
            case "BlobArchived" or "BlobBeingRehydrated":
                return Final(
                    ErrorIds.StoreRead,
                    $"'{call.Key}' in {options.Location} is in the Archive tier and cannot be read"
                        + (answer.ErrorCode == "BlobArchived" ? "." : " before its rehydration, which is under way, has ended."),
                    answer,
                    StoreObject.ArchivedAdvice
                );
            case "BlobImmutableDueToPolicy" or "ContainerImmutabilityPolicyFailure":
                return Final(
                    ErrorIds.StoreAccessDenied,
                    $"'{call.Key}' in {options.Location} is protected by an immutability policy or a legal hold: Azure refused to {call.Action} it.",
                    answer,
                    "Wait until the policy has expired or have the hold removed. Backups need a policy for versions (immutability_days): one for the whole container also refuses the lock's removal."
                );
            case "LeaseIdMissing" or "LeaseAlreadyPresent":
                return Final(
                    ErrorIds.StoreAccessDenied,
                    $"'{call.Key}' in {options.Location} is leased by another program, so Azure refused to {call.Action} it.",
                    answer,
                    "Break the lease, or find out which program took it."
                );
            case "InvalidBlockList" or "InvalidBlockId" when call.Writes:
                return Final(
                    ErrorIds.StoreWrite,
                    $"The upload of '{call.Key}' to {options.Location} was ended by another program.",
                    answer,
                    "Check which program or run writes to this prefix, then run again."
                );
            case "InvalidHeaderValue"
            or "UnsupportedHeader"
            or "FeatureNotSupportedForAccount"
            or "InvalidBlobTier"
            or "AccessTierNotSupported" when call.Writes && UnusualOptions is { Count: > 0 } unusual:
                return Final(
                    ErrorIds.StoreConfiguration,
                    $"The {Container} refused to store '{call.Key}' with {string.Join(", ", unusual)}: {NameOf(answer)}.",
                    answer,
                    "immutability_days needs a container with version-level immutability support; access tiers need a general-purpose v2 account."
                );
            case "ServerBusy":
                return SlowDown(answer);
            case "AccountIsDisabled":
                return Final(ErrorIds.StoreAccessDenied, $"The storage account '{options.Address.Account}' is disabled.", answer);
            case "OperationTimedOut" or "InternalError" or "AccountBeingCreated":
                return Again(answer, call);
        }

        return answer.Status switch
        {
            401 or 403 => new(_denials.Of(answer, call), AzureRecovery.None),
            404 => new(MissingObject(call, answer), AzureRecovery.None),
            429 or 503 => SlowDown(answer),
            507 => Final(ErrorIds.StoreFull, $"{options.Location} has no space left: {NameOf(answer)}.", answer),
            408 or >= 500 => Again(answer, call),
            _ => Final(
                call.Writes ? ErrorIds.StoreWrite : ErrorIds.StoreRead,
                $"{connection.Address} refused to {Describe(call)}: {NameOf(answer)}.",
                answer,
                "Check the options of the store against what this account supports."
            ),
        };
    }

    /// <summary>What an account may not have or a container not allow.</summary>
    private List<string> UnusualOptions
    {
        get
        {
            var unusual = new List<string>();
            if (options.ImmutabilityDays is { } days)
            {
                unusual.Add($"immutability_days: {days}");
            }

            if (options.SegmentTier is { } tier)
            {
                unusual.Add($"access_tier: {tier}");
            }

            if (options.ManifestTier is { } manifestTier)
            {
                unusual.Add($"manifest_access_tier: {manifestTier}");
            }

            return unusual;
        }
    }

    private AzureFault NotBlobService(Exception exception) =>
        Final(
            ErrorIds.StoreConfiguration,
            $"What answers at {connection.Address} is not a blob service.",
            exception,
            "Check the account's name in the path and the option endpoint: the blob service endpoint, with .blob. in its name."
        );

    private AzureFault SlowDown(RequestFailedException answer) =>
        new(
            ErrorIds
                .StoreUnavailable.With(
                    $"{connection.Address} asks to slow down.",
                    options.Location,
                    "Lower max_concurrent_partitions or set a rate limit, or try at a quieter time.",
                    answer
                )
                .AsTransient(),
            AzureRecovery.SlowDown
        );

    private AzureFault Again(RequestFailedException answer, AzureCall call) =>
        new(
            (call.Writes ? ErrorIds.StoreWrite : ErrorIds.StoreRead)
                .With(
                    $"{connection.Address} failed to {Describe(call)}: {NameOf(answer)}.",
                    call.Key,
                    "This is the server's trouble: run again later.",
                    answer
                )
                .AsTransient(),
            AzureRecovery.Again
        );

    private AzureFault Final(ErrorDefinition definition, string message, Exception? inner, string? advice = null) =>
        new(definition.With(message, options.Location, advice, inner), AzureRecovery.None);

    private AzureFault Passing(ErrorDefinition definition, string message, Exception inner, string? advice = null) =>
        new(definition.With(message, options.Location, advice, inner).AsTransient(), AzureRecovery.Again);

    private static string NameOf(RequestFailedException answer) =>
        $"{answer.Status} {answer.ErrorCode}: {FirstLine(answer)}".Replace(" : ", ": ", StringComparison.Ordinal);
}
