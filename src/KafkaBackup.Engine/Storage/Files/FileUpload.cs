namespace KafkaBackup.Engine.Storage.Files;

internal sealed class FileUpload(FileStore store, TemporaryFile file, string path) : IStoreUpload
{
    public bool ShouldEnd => false;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        try
        {
            await file.WriteAsync(content, cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (FileFault.IsFileException(e))
        {
            throw store.WriteFault(e, path);
        }
    }

    public async ValueTask CommitAsync(CancellationToken cancel)
    {
        try
        {
            await Task.Run(
                    () =>
                    {
                        store.RequireItself();
                        file.Replace();
                    },
                    cancel
                )
                .ConfigureAwait(false);
        }
        catch (Exception e) when (FileFault.IsFileException(e))
        {
            throw store.WriteFault(e, path);
        }
    }

    public ValueTask DisposeAsync()
    {
        try
        {
            file.Dispose();
            return ValueTask.CompletedTask;
        }
        catch (Exception e) when (FileFault.IsFileException(e))
        {
            throw store.WriteFault(e, path);
        }
    }
}
