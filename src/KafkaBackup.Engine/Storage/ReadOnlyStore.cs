namespace KafkaBackup.Engine.Storage;

/// <summary>
/// A store for planning and -WhatIf: reads go on, writes are refused (rule H1). A plan that runs into it has a defect, which this makes
/// visible before anything is changed.
/// </summary>
public sealed class ReadOnlyStore(IStore inner, TimeProvider clock) : ForwardingStore(inner)
{
    public override ValueTask<IStoreUpload> CreateAsync(string key, CancellationToken cancel) => throw Refuse(key);

    public override ValueTask PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel) => throw Refuse(key);

    public override ValueTask<bool> PutIfAbsentAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancel) =>
        throw Refuse(key);

    public override ValueTask DeleteAsync(string key, CancellationToken cancel) => throw Refuse(key);

    public override ValueTask DropUploadAsync(StoreUpload upload, CancellationToken cancel) => throw Refuse(upload.Key);

    /// <summary>This machine's: some stores can only tell theirs by writing. Good enough to describe, never to act on.</summary>
    public override ValueTask<DateTimeOffset> GetClockAsync(CancellationToken cancel) => new(clock.GetUtcNow());

    private KafkaBackupException Refuse(string key) =>
        ErrorIds.Unexpected.With($"'{key}' in {Location} was about to be changed although nothing may be written now.", key);
}
