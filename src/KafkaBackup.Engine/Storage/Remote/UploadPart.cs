namespace KafkaBackup.Engine.Storage.Remote;

/// <summary>The bytes of one part, in chunks.</summary>
internal sealed class UploadPart(UploadBuffers buffers) : IDisposable
{
    private readonly List<byte[]> _chunks = [];

    public long Length { get; private set; }

    public int Chunks => _chunks.Count;

    /// <summary>Takes what fits into one chunk, and returns how much that was.</summary>
    public async ValueTask<int> AppendAsync(ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        var used = (int)(Length % UploadBuffers.ChunkSize);
        if (used == 0)
        {
            _chunks.Add(await buffers.RentAsync(cancel).ConfigureAwait(false));
        }

        var taken = Math.Min(content.Length, UploadBuffers.ChunkSize - used);
        content[..taken].CopyTo(_chunks[^1].AsMemory(used));
        Length += taken;
        return taken;
    }

    /// <summary>A new body for one attempt.</summary>
    public Stream OpenBody()
    {
        var pieces = new ReadOnlyMemory<byte>[_chunks.Count];
        var left = Length;
        for (var i = 0; i < pieces.Length; i++)
        {
            var size = (int)Math.Min(left, UploadBuffers.ChunkSize);
            pieces[i] = _chunks[i].AsMemory(0, size);
            left -= size;
        }

        return new UploadBody(pieces);
    }

    public void Dispose()
    {
        buffers.Return(_chunks);
        _chunks.Clear();
        Length = 0;
    }
}
