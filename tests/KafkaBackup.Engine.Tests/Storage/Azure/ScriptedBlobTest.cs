using System.Text;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Storage.Azure;
using KafkaBackup.Testing.Azure;
using KafkaBackup.Testing.S3;

namespace KafkaBackup.Engine.Tests.Storage.Azure;

/// <summary>What tests over the scripted blob service share: a store with small blocks and short patience.</summary>
public abstract class ScriptedBlobTest : IAsyncLifetime
{
    protected const int BlockSize = 64 << 10;

    protected static readonly AzureLimits Hasty = new()
    {
        BlockSize = BlockSize,
        UploadBytes = 4 * BlockSize,
        Retry = new RetryPolicy(TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(40), TimeSpan.FromSeconds(1)),
        RecogniseBudget = TimeSpan.FromMilliseconds(500),
        ThrottleBudget = TimeSpan.FromSeconds(10),
        AttemptTimeout = TimeSpan.FromSeconds(5),
    };

    private readonly List<AzureStore> _stores = [];

    protected ScriptedBlobServer Server { get; } = new();

    protected List<string> Warnings { get; } = [];

    protected List<RetryNotice> Retries { get; } = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var store in _stores)
        {
            await store.DisposeAsync();
        }

        await Server.DisposeAsync();
    }

    protected AzureStore Open(params (string Name, string Value)[] options) => Open(Server.Settings(options));

    protected AzureStore Open(StoreSettings settings, AzureLimits? limits = null)
    {
        var store = new AzureStore(settings, TimeProvider.System, Note, Warnings.Add, limits ?? Hasty);
        _stores.Add(store);
        return store;
    }

    protected static bool IsPut(ScriptedRequest request) => request.Method == "PUT" && !request.Query.ContainsKey("comp");

    protected static bool IsBlock(ScriptedRequest request) => request.Query.GetValueOrDefault("comp") == "block";

    protected static bool IsCommit(ScriptedRequest request) =>
        request.Method == "PUT" && request.Query.GetValueOrDefault("comp") == "blocklist";

    protected static bool IsRead(ScriptedRequest request) => request.Method == "GET" && request.Query.Count == 0;

    protected static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    protected static byte[] Noise(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    protected static async Task UploadAsync(AzureStore store, string key, byte[] content)
    {
        await using var upload = await store.CreateAsync(key, default);
        await upload.WriteAsync(content, default);
        await upload.CommitAsync(default);
    }

    protected static async Task<List<string>> KeysAsync(AzureStore store, string prefix = "")
    {
        var keys = new List<string>();
        await foreach (var item in store.ListAsync(prefix, default))
        {
            keys.Add(item.Key);
        }

        return keys;
    }

    /// <summary>Besides the id: advice is there, and no secret is anywhere in what a user could see of the error.</summary>
    protected static async Task<KafkaBackupException> FailsAsync(ErrorDefinition expected, Func<Task> call)
    {
        var error = await Assert.ThrowsAsync<KafkaBackupException>(call);
        Assert.True(expected.Id == error.ErrorId, $"{error.ErrorId}: {error}");
        Assert.NotEmpty(error.Advice);
        Assert.DoesNotContain('\n', error.Message);
        foreach (var secret in (string[])[ScriptedBlobServer.Key, ScriptedBlobServer.SasSignature])
        {
            Assert.DoesNotContain(secret, error + error.Advice, StringComparison.Ordinal);
            Assert.DoesNotContain(Uri.UnescapeDataString(secret), error + error.Advice, StringComparison.Ordinal);
        }

        return error;
    }

    private void Note(RetryNotice notice)
    {
        lock (Retries)
        {
            Retries.Add(notice);
        }
    }
}
