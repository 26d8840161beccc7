namespace KafkaBackup.Engine.Storage.Files;

internal sealed class FileUpload(string root, TemporaryFile file, string path) : IStoreUpload
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
            throw FileFault.Writing(e, root, path);
        }
    }

    public async ValueTask CommitAsync(CancellationToken cancel)
    {
        try
        {
            await Task.Run(file.Replace, cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (FileFault.IsFileException(e))
        {
            throw FileFault.Writing(e, root, path);
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
            throw FileFault.Writing(e, root, path);
        }
    }
}
