using KafkaBackup.Testing.S3;

namespace KafkaBackup.Engine.Tests.Storage.S3;

/// <summary>Keys from a profile. The files' place is an environment variable of the process, so all tests that use it are here, one after the other.</summary>
public sealed class S3CredentialTests : ScriptedS3Test, IDisposable
{
    private const string FileVariable = "AWS_SHARED_CREDENTIALS_FILE";

    private readonly string _file = Path.Combine(Path.GetTempPath(), $"kb-credentials-{Guid.NewGuid():n}");
    private readonly string? _before = Environment.GetEnvironmentVariable(FileVariable);

    public S3CredentialTests() => Environment.SetEnvironmentVariable(FileVariable, _file);

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(FileVariable, _before);
        File.Delete(_file);
    }

    [Fact(Timeout = Limit)]
    public async Task C5_keys_of_a_profile_are_used()
    {
        Write("AKIDFIRST");

        await KeysAsync(Open(WithProfile()));

        Assert.All(Server.Requests, r => Assert.Contains("AKIDFIRST", r.Header("authorization"), StringComparison.Ordinal));
    }

    [Fact(Timeout = Limit)]
    public async Task C5_expired_credentials_are_looked_up_again_and_the_call_goes_on()
    {
        Write("AKIDFIRST");
        var store = Open(WithProfile());
        await KeysAsync(store);
        Server.On(r => r.Header("authorization")!.Contains("AKIDFIRST", StringComparison.Ordinal), ScriptedAnswer.Error(400, "ExpiredToken"));
        Write("AKIDSECOND");

        await UploadAsync(store, "large", Noise(3 * PartSize));

        Assert.Equal(3 * PartSize, Server.Store.Content("backups/large")!.Length);
    }

    [Fact(Timeout = Limit)]
    public async Task C5_credentials_that_stay_expired_are_an_error_that_says_so()
    {
        Write("AKIDFIRST");
        Server.On(_ => true, ScriptedAnswer.Error(400, "ExpiredToken"));

        var error = await FailsAsync(ErrorIds.StoreAuthentication, () => KeysAsync(Open(WithProfile())));

        Assert.Contains("profile 'backup'", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, Server.Requests.Count);
    }

    [Fact(Timeout = Limit)]
    public async Task C5_a_profile_that_is_not_there_is_an_error_that_names_it()
    {
        Write("AKIDFIRST");

        var error = await FailsAsync(ErrorIds.StoreConfiguration, () => KeysAsync(Open(WithProfile("missing"))));

        Assert.Contains("'missing'", error.Message, StringComparison.Ordinal);
        Assert.Empty(Server.Requests);
    }

    private StoreSettings WithProfile(string name = "backup") => Server.Settings(options: ("profile", name)) with { AccessKey = null, SecretKey = null };

    private void Write(string key) =>
        File.WriteAllText(_file, $"[backup]\naws_access_key_id = {key}\naws_secret_access_key = secret-that-nobody-may-see\naws_session_token = token\n");
}
