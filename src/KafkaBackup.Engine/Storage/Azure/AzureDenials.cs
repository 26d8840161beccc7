using System.Globalization;
using System.Text.RegularExpressions;
using Azure;
using Azure.Identity;

namespace KafkaBackup.Engine.Storage.Azure;

/// <summary>Why an identity was refused: the key, the SAS, the clock, the tenant, the role or the network.</summary>
internal sealed partial class AzureDenials(AzureOptions options, AzureConnection connection)
{
    private AzureLogin Login => options.Login;

    public KafkaBackupException Of(RequestFailedException answer, AzureCall call)
    {
        // What the service says beside its code: why a signature, a time or a token was refused.
        var detail = answer.Data["AuthenticationErrorDetail"] as string ?? answer.Message;
        return answer.ErrorCode switch
        {
            _ when Mentions(detail, "Request date header too old") || IsClockWrong(answer) => Clock(answer),
            "AuthenticationFailed" when Login.Sas is not null => Sas(answer, detail),
            "AuthenticationFailed" when Login.AccountKey is not null => Denied(
                ErrorIds.StoreAuthentication,
                $"{connection.Address} refused the signature made with {Login.Origin}: the key is wrong, or is another account's.",
                answer,
                $"Copy a key of '{options.Address.Account}' again: it may have been rotated. If it is right, check that no proxy changes requests."
            ),
            "InvalidAuthenticationInfo" or "AuthenticationFailed" => WrongTenant(answer),
            "AuthorizationPermissionMismatch" or "InsufficientAccountPermissions" when Login.Sas is null => Role(answer, call),
            "AuthorizationPermissionMismatch"
            or "InsufficientAccountPermissions"
            or "AuthorizationServiceMismatch"
            or "AuthorizationResourceTypeMismatch"
            or "UnauthorizedBlobOverwrite" => Denied(
                ErrorIds.StoreAccessDenied,
                $"{connection.Address} refused to {Describe(call)}: {Login.Origin} does not allow it (permission '{call.Permission}').",
                answer,
                "Make a SAS for this container (sr=c), or for the service Blob with the resource types Container and Object, with the permissions r, l for restores and r, w, d, l, c for backups."
            ),
            "AuthorizationProtocolMismatch" => Denied(
                ErrorIds.StoreAccessDenied,
                $"{AzureLogin.Capital(Login.Origin)} is for another protocol than that of {connection.Address}.",
                answer,
                "Use https, or make a SAS that allows http for an emulator."
            ),
            "AuthorizationSourceIPMismatch" => Denied(
                ErrorIds.StoreAccessDenied,
                $"{AzureLogin.Capital(Login.Origin)} does not allow this machine's address.",
                answer,
                "Make a SAS whose address range (sip) includes this machine's public address."
            ),
            "KeyBasedAuthenticationNotPermitted" => Denied(
                ErrorIds.StoreAuthentication,
                $"The account '{options.Address.Account}' does not allow access by key, and {Login.Origin} is one or was made with one.",
                answer,
                "Use a managed identity or an application (client_id, tenant_id), or a SAS made with a user delegation key."
            ),
            "AuthorizationFailure" or "PublicAccessNotPermitted" or "NoAuthenticationInformation" => Denied(
                ErrorIds.StoreAccessDenied,
                $"{connection.Address} refused to {Describe(call)}: the account's network rules do not allow this machine, or {Login.Origin} may not use it.",
                answer,
                "Allow this machine in the account's networking settings (address, virtual network or private endpoint), then check the identity's role."
            ),
            _ => Denied(
                answer.Status == 401 ? ErrorIds.StoreAuthentication : ErrorIds.StoreAccessDenied,
                $"{connection.Address} refused to {Describe(call)} with {Login.Origin}: {answer.ErrorCode ?? answer.Status.ToString(CultureInfo.InvariantCulture)}.",
                answer,
                $"Check the identity and its role on the container: {RoleFor(call)}."
            ),
        };
    }

    /// <summary>No token could be had: nothing was asked of the store yet.</summary>
    public AzureFault OfToken(AuthenticationFailedException exception)
    {
        for (Exception? e = exception; e is not null; e = e.InnerException)
        {
            if (e is HttpRequestException && !EntraCode().IsMatch(exception.Message))
            {
                return new(
                    ErrorIds
                        .StoreUnavailable.With(
                            $"The identity service could not be reached for {Login.Origin}: {AzureFaults.FirstLine(e)}.",
                            options.Location,
                            "Check the way to login.microsoftonline.com (in sovereign clouds its counterpart): proxy, firewall, name service.",
                            exception
                        )
                        .AsTransient(),
                    AzureRecovery.Again
                );
            }
        }

        var code = EntraCode().Match(exception.Message).Value;
        var (message, advice) = code switch
        {
            "AADSTS90002" or "AADSTS900023" => (
                $"There is no tenant '{Login.TenantId}'.",
                "Check tenant_id: the directory's id or one of its domains, in this cloud."
            ),
            "AADSTS700016" => (
                $"The tenant '{Login.TenantId}' has no application '{Login.ClientId}'.",
                "Check tenant_id and client_id: the application may be in another tenant."
            ),
            "AADSTS7000215" => ($"Entra ID refused {Login.Origin}: it is wrong.", "Give the secret's value, not its id."),
            "AADSTS7000222" => (
                $"Entra ID refused {Login.Origin}: it has expired.",
                "Make a new secret or certificate for the application."
            ),
            "AADSTS700027" => (
                $"Entra ID refused {Login.Origin}: it is not one of the application's, or has expired.",
                "Add this certificate to the application, and check tenant_id and client_id."
            ),
            "" when exception is CredentialUnavailableException => (
                $"{AzureLogin.Capital(Login.Origin)} gave no identity for {options.Location}.",
                "Give -StorageCredential to this cmdlet (it does not travel through a pipeline), or account_key, sas_token or client_secret; or run where a managed identity is assigned (client_id for a user-assigned one), or after az login."
            ),
            _ => (
                $"{AzureLogin.Capital(Login.Origin)} gave no token for {options.Location}: {AzureFaults.FirstLine(exception)}.",
                "Check tenant_id and client_id, and that the identity exists."
            ),
        };
        return new(ErrorIds.StoreAuthentication.With(message, options.Location, advice, exception), AzureRecovery.None);
    }

    private KafkaBackupException Sas(RequestFailedException answer, string detail)
    {
        if (Login.SasExpiry is { } end && end <= (connection.Transport.ServerTime ?? DateTimeOffset.MinValue))
        {
            return Denied(
                ErrorIds.StoreAuthentication,
                $"{AzureLogin.Capital(Login.Origin)} expired at {end:yyyy-MM-dd HH:mm:ss}Z.",
                answer,
                "Make a new one, then run again: the backup continues. A managed identity or an application needs no renewal by hand."
            );
        }

        return Mentions(detail, "time frame")
            ? Denied(
                ErrorIds.StoreAuthentication,
                $"{AzureLogin.Capital(Login.Origin)} is not valid at this time: its start or its end, or that of its access policy, does not fit.",
                answer,
                "Make a new one whose start lies some minutes back, then run again."
            )
            : Denied(
                ErrorIds.StoreAuthentication,
                $"{connection.Address} refused {Login.Origin}: its signature is wrong, or the key that signed it was rotated.",
                answer,
                "Copy it whole (in PowerShell in single quotes), or make a new one for this account and container."
            );
    }

    private KafkaBackupException WrongTenant(RequestFailedException answer) =>
        Denied(
            ErrorIds.StoreAuthentication,
            $"{connection.Address} refused the token of {Login.Origin}"
                + (
                    connection.Transport.Tenant is { } tenant
                        ? $": the account trusts the tenant '{tenant}'."
                        : ": it is of a tenant that the account does not trust."
                ),
            answer,
            connection.Transport.Tenant is { } right
                ? $"Use an identity of that tenant, and tenant_id: {right}."
                : "Use an identity of the tenant that the account's subscription belongs to."
        );

    private KafkaBackupException Role(RequestFailedException answer, AzureCall call) =>
        Denied(
            ErrorIds.StoreAccessDenied,
            $"{connection.Address} refused to {Describe(call)}: {Login.Origin} has no role that allows it.",
            answer,
            $"Assign it '{RoleFor(call)}' on the container '{options.Address.Container}' or the account (Owner and Contributor give no access to data). A new assignment takes up to ten minutes."
        );

    private KafkaBackupException Clock(RequestFailedException answer) =>
        Denied(
            ErrorIds.StoreAuthentication,
            $"This machine's clock differs{Skew()} from that of {connection.Address}, which refuses requests for that.",
            answer,
            "Set this machine's clock (time synchronisation); more than 15 minutes are not accepted."
        );

    private bool IsClockWrong(RequestFailedException answer) =>
        answer.ErrorCode == "AuthenticationFailed"
        && Login.AccountKey is not null
        && connection.Transport.MachineAhead is { } ahead
        && ahead.Duration() > TimeSpan.FromMinutes(14);

    private string Skew()
    {
        if (connection.Transport.MachineAhead is not { } ahead)
        {
            return "";
        }

        var minutes = Math.Abs(ahead.TotalMinutes).ToString("0.#", CultureInfo.InvariantCulture);
        return $" by {minutes} minutes ({(ahead > TimeSpan.Zero ? "ahead" : "behind")})";
    }

    private string Describe(AzureCall call) =>
        call.Key.Length == 0 ? $"{call.Action} {options.Location}" : $"{call.Action} '{call.Key}' in {options.Location}";

    private static string RoleFor(AzureCall call) =>
        call.Permission is 'w' or 'd'
            ? "Storage Blob Data Contributor"
            : "Storage Blob Data Reader (for backups: Storage Blob Data Contributor)";

    private KafkaBackupException Denied(ErrorDefinition definition, string message, Exception inner, string advice) =>
        definition.With(message, options.Location, advice, inner);

    private static bool Mentions(string text, string words) => text.Contains(words, StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex("AADSTS[0-9]+")]
    private static partial Regex EntraCode();
}
