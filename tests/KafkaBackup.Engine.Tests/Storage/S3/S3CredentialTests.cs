using System.Text;
using KafkaBackup.Testing.S3;

namespace KafkaBackup.Engine.Tests.Storage.S3;

/// <summary>
/// Keys from a profile. The files' place is an environment variable of the process, so all tests that use it are here, one after the other.
/// </summary>
public sealed class S3CredentialTests : ScriptedS3Test, IDisposable
{
    private const string FileVariable = "AWS_SHARED_CREDENTIALS_FILE";
    private const string TokenServiceVariable = "AWS_ENDPOINT_URL_STS";

    private readonly string _file = Path.Combine(Path.GetTempPath(), $"kafkabackup-credentials-{Guid.NewGuid():n}");
    private readonly string? _serviceBefore = Environment.GetEnvironmentVariable(TokenServiceVariable);
    private readonly string? _before = Environment.GetEnvironmentVariable(FileVariable);

    public S3CredentialTests() => Environment.SetEnvironmentVariable(FileVariable, _file);

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(FileVariable, _before);
        Environment.SetEnvironmentVariable(TokenServiceVariable, _serviceBefore);
        File.Delete(_file);
    }

    [Fact]
    public async Task C5_keys_of_a_profile_are_used()
    {
        Write("AKIDFIRST");

        await KeysAsync(Open(WithProfile()));

        Assert.All(Server.Requests, r => Assert.Contains("AKIDFIRST", r.Header("authorization"), StringComparison.Ordinal));
    }

    [Fact]
    public async Task C5_expired_credentials_are_looked_up_again_and_the_call_goes_on()
    {
        Write("AKIDFIRST");
        var store = Open(WithProfile());
        await KeysAsync(store);
        Server.On(
            r => r.Header("authorization")!.Contains("AKIDFIRST", StringComparison.Ordinal),
            ScriptedAnswer.Error(400, "ExpiredToken")
        );
        Write("AKIDSECOND");

        await UploadAsync(store, "large", Noise(3 * PartSize));

        Assert.Equal(3 * PartSize, Server.Store.Content("backups/large")!.Length);
    }

    [Fact]
    public async Task C5_credentials_that_stay_expired_are_an_error_that_says_so()
    {
        Write("AKIDFIRST");
        Server.On(_ => true, ScriptedAnswer.Error(400, "ExpiredToken"));

        var error = await FailsAsync(ErrorIds.StoreAuthentication, () => KeysAsync(Open(WithProfile())));

        Assert.Contains("profile 'backup'", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, Server.Requests.Count);
    }

    [Fact]
    public async Task C5_a_profile_that_is_not_there_is_an_error_that_names_it()
    {
        Write("AKIDFIRST");

        var error = await FailsAsync(ErrorIds.StoreConfiguration, () => KeysAsync(Open(WithProfile("missing"))));

        Assert.Contains("'missing'", error.Message, StringComparison.Ordinal);
        Assert.Empty(Server.Requests);
    }

    [Fact]
    public async Task C5_a_profile_with_a_role_signs_with_the_roles_keys()
    {
        TokenService();
        Append("[deputy]\nrole_arn = arn:aws:iam::123456789012:role/backup\nsource_profile = backup\nregion = eu-central-1\n");

        await KeysAsync(Open(WithProfile("deputy")));

        var asked = Server.Requests.Single(IsTokenRequest);
        Assert.Contains("Action=AssumeRole&", Encoding.UTF8.GetString(asked.Body), StringComparison.Ordinal);
        Assert.Contains("AKIDFIRST", asked.Header("authorization"), StringComparison.Ordinal);
        Assert.All(
            Server.Requests.Where(r => !IsTokenRequest(r)),
            r => Assert.Contains("ASIAROLE1", r.Header("authorization"), StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task C5_a_web_identity_as_kubernetes_gives_it_signs_with_the_roles_keys_and_renews_them()
    {
        TokenService();
        var token = _file + ".token";
        await File.WriteAllTextAsync(token, "the-pods-own-token");
        Append(
            $"[pod]\nrole_arn = arn:aws:iam::123456789012:role/backup\nweb_identity_token_file = {token}\nrole_session_name = kafkabackup\nregion = eu-central-1\n"
        );
        var store = Open(WithProfile("pod"));
        await KeysAsync(store);
        Server.On(
            r => r.Header("authorization")?.Contains("ASIAROLE1", StringComparison.Ordinal) is true,
            ScriptedAnswer.Error(400, "ExpiredToken")
        );

        await UploadAsync(store, "large", Noise(3 * PartSize));

        Assert.All(
            Server.Requests.Where(IsTokenRequest),
            r => Assert.Contains("WebIdentityToken=the-pods-own-token", Encoding.UTF8.GetString(r.Body), StringComparison.Ordinal)
        );
        Assert.Equal(3 * PartSize, Server.Store.Content("backups/large")!.Length);
        Assert.Contains("ASIAROLE2", Server.Requests[^1].Header("authorization"), StringComparison.Ordinal);
        File.Delete(token);
    }

    [Fact]
    public async Task C5_a_role_that_may_not_be_taken_is_one_plain_sentence()
    {
        Environment.SetEnvironmentVariable(TokenServiceVariable, Server.Endpoint);
        Server.On(
            IsTokenRequest,
            new ScriptedAnswer(
                403,
                Bytes(
                    "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: nightly is not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>"
                ),
                ("Content-Type", "text/xml")
            )
        );
        Append("[deputy]\nrole_arn = arn:aws:iam::123456789012:role/backup\nsource_profile = backup\nregion = eu-central-1\n");

        var error = await FailsAsync(ErrorIds.StoreAuthentication, () => KeysAsync(Open(WithProfile("deputy"))));

        Assert.Contains("profile 'deputy'", error.Message, StringComparison.Ordinal);
        Assert.Contains("not authorized to perform: sts:AssumeRole", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    private static bool IsTokenRequest(ScriptedRequest request) => request.Method == "POST" && request.Query.Count == 0;

    /// <summary>Gives out ASIAROLE1, ASIAROLE2, ... for an hour each.</summary>
    private void TokenService()
    {
        Environment.SetEnvironmentVariable(TokenServiceVariable, Server.Endpoint);
        var given = 0;
        Server.On(
            IsTokenRequest,
            request =>
            {
                var action = Encoding.UTF8.GetString(request.Body).Contains("WebIdentityToken=", StringComparison.Ordinal)
                    ? "AssumeRoleWithWebIdentity"
                    : "AssumeRole";
                return ScriptedAnswer.Xml(
                    $"""
                    <{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials><AccessKeyId>ASIAROLE{Interlocked.Increment(
                        ref given
                    )}</AccessKeyId>
                    <SecretAccessKey>secret-that-nobody-may-see</SecretAccessKey><SessionToken>role-token</SessionToken><Expiration>{DateTime.UtcNow.AddHours(
                        1
                    ):yyyy-MM-ddTHH:mm:ssZ}</Expiration>
                    </Credentials></{action}Result></{action}Response>
                    """
                );
            }
        );
    }

    private void Append(string profile)
    {
        Write("AKIDFIRST");
        File.AppendAllText(_file, profile);
    }

    private StoreSettings WithProfile(string name = "backup") =>
        Server.Settings(options: ("profile", name)) with
        {
            AccessKey = null,
            SecretKey = null,
        };

    private void Write(string key) =>
        File.WriteAllText(
            _file,
            $"[backup]\naws_access_key_id = {key}\naws_secret_access_key = secret-that-nobody-may-see\naws_session_token = token\n"
        );
}
