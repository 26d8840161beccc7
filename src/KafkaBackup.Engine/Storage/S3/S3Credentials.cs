using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.Runtime.Credentials;

namespace KafkaBackup.Engine.Storage.S3;

/// <summary>
/// The keys that requests are signed with: given ones, a profile's, or what the AWS chain finds (environment, default profile, web
/// identity, container and instance roles). Found ones are looked up again when the server calls them expired: a role hands out new ones,
/// and people renew theirs in the profile file.
/// </summary>
internal sealed class S3Credentials : AWSCredentials, IDisposable
{
    private readonly S3Options _options;
    private readonly IClientConfig _config;
    private readonly SemaphoreSlim _resolving = new(1, 1);
    private AWSCredentials? _found;

    public S3Credentials(S3Options options, IClientConfig config)
    {
        _options = options;
        _config = config;
    }

    public bool CanRenew => _options.AccessKey is null;

    /// <summary>For messages: whose keys these are, never the keys.</summary>
    public string Origin =>
        _options switch
        {
            { AccessKey: not null, SessionToken: not null } => "the given keys and session token",
            { AccessKey: not null } => "the given keys",
            { Profile: { } profile } => $"profile '{profile}'",
            _ => "the AWS credential chain",
        };

    /// <summary>Forgets what was found, so that the next request looks again.</summary>
    public void Renew()
    {
        if (Interlocked.Exchange(ref _found, null) is RefreshingAWSCredentials refreshing)
        {
            refreshing.ClearCredentials();
        }
    }

    public override ImmutableCredentials GetCredentials() => GetCredentialsAsync().GetAwaiter().GetResult();

    public override async Task<ImmutableCredentials> GetCredentialsAsync()
    {
        try
        {
            var found = Volatile.Read(ref _found) ?? await FindAsync().ConfigureAwait(false);
            return await found.GetCredentialsAsync().ConfigureAwait(false);
        }
        catch (Exception e)
            when (e
                    is AmazonClientException
                        or AmazonServiceException
                        or InvalidOperationException
                        or ArgumentException
                        or IOException
                        or HttpRequestException
            )
        {
            throw ErrorIds.StoreAuthentication.With(
                $"No usable credentials for {_options.Location} from {Origin}: {Reason(e)}",
                _options.Location,
                "Give -StorageCredential to this cmdlet (it does not travel through a pipeline) or access_key and secret_key in the file, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile, or run where a role is attached.",
                e
            );
        }
    }

    /// <summary>
    /// The chain's own text is a page of exceptions, one for each place it looked in; a role's says that it could not, and its cause why.
    /// What lies below is in the error's inner exception.
    /// </summary>
    private string Reason(Exception error)
    {
        if (_options.Profile is null && Volatile.Read(ref _found) is null)
        {
            return "none in the environment, the default profile, a web identity, or the role of this container or machine.";
        }

        // What the token service said, if it said anything; below that is only how HTTP carried it.
        var cause = error;
        for (var e = error; e is not null && cause is not AmazonServiceException; e = e.InnerException)
        {
            cause = e;
        }

        return cause.Message.ReplaceLineEndings(" ").TrimEnd();
    }

    public void Dispose() => _resolving.Dispose();

    private async Task<AWSCredentials> FindAsync()
    {
        await _resolving.WaitAsync().ConfigureAwait(false);
        try
        {
            var found = Volatile.Read(ref _found);
            if (found is null)
            {
                found = await LookUpAsync().ConfigureAwait(false);
                Volatile.Write(ref _found, found);
            }

            return found;
        }
        finally
        {
            _resolving.Release();
        }
    }

    private async Task<AWSCredentials> LookUpAsync()
    {
        if (_options.AccessKey is { } key)
        {
            return _options.SessionToken is { } token
                ? new SessionAWSCredentials(key, _options.SecretKey!.Reveal(), token.Reveal())
                : new BasicAWSCredentials(key, _options.SecretKey!.Reveal());
        }

        if (_options.Profile is { } name)
        {
            return FindProfile(name) is { } profile
                ? profile.GetAWSCredentials(profile.CredentialProfileStore)
                : throw ErrorIds.StoreConfiguration.With(
                    $"There is no AWS profile '{name}'.",
                    name,
                    "Check the option profile against the files ~/.aws/config and ~/.aws/credentials of the account that runs this."
                );
        }

        using var chain = new DefaultAWSCredentialsIdentityResolver();
        return await chain.ResolveIdentityAsync(_config, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>The SDK looks at this variable once a process; a session in PowerShell lives longer than that.</summary>
    public static CredentialProfile? FindProfile(string name) =>
        new CredentialProfileStoreChain(Environment.GetEnvironmentVariable("AWS_SHARED_CREDENTIALS_FILE")).TryGetProfile(
            name,
            out var profile
        )
            ? profile
            : null;
}
