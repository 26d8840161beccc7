using System.Text;
using KafkaBackup.Engine.Storage;
using KafkaBackup.Engine.Storage.S3;
using KafkaBackup.Testing.S3;

namespace KafkaBackup.Engine.Tests.Storage.S3;

/// <summary>What tests over the scripted server share: a store with small parts and short patience.</summary>
public abstract class ScriptedS3Test : IAsyncLifetime
{
    protected const int PartSize = 64 << 10;

    protected static readonly S3Limits Hasty = new()
    {
        PartSize = PartSize,
        UploadBytes = 4 * PartSize,
        Retry = new RetryPolicy(TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(40), TimeSpan.FromSeconds(1)),
        RecogniseBudget = TimeSpan.FromMilliseconds(500),
        ThrottleBudget = TimeSpan.FromSeconds(10),
        AttemptTimeout = TimeSpan.FromSeconds(5),
    };

    private readonly List<S3Store> _stores = [];

    protected ScriptedS3Server Server { get; } = new();

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

    protected S3Store Open(S3Limits? limits = null, params (string Name, string Value)[] options) =>
        Open(Server.Settings(options: options), limits);

    protected S3Store Open(StoreSettings settings, S3Limits? limits = null)
    {
        var store = new S3Store(settings, TimeProvider.System, Note, Warnings.Add, limits ?? Hasty);
        _stores.Add(store);
        return store;
    }

    protected static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    protected static byte[] Noise(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    protected static async Task UploadAsync(S3Store store, string key, byte[] content)
    {
        await using var upload = await store.CreateAsync(key, default);
        await upload.WriteAsync(content, default);
        await upload.CommitAsync(default);
    }

    protected static async Task<byte[]> ReadAsync(S3Store store, string key, int length)
    {
        var buffer = new byte[length];
        return buffer[..await store.ReadAsync(key, 0, buffer, default)];
    }

    protected static async Task<List<string>> KeysAsync(S3Store store, string prefix = "")
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
        Assert.True(expected.Id == error.ErrorId, $"{error.ErrorId}: {error.Message}");
        Assert.NotEmpty(error.Advice);
        Assert.DoesNotContain("secret-that-nobody-may-see", error + error.Advice, StringComparison.Ordinal);
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
