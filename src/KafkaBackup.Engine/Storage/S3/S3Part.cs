namespace KafkaBackup.Engine.Storage.S3;

/// <summary>The bytes of one part, in chunks.</summary>
internal sealed class S3Part(S3Buffers buffers) : IDisposable
{
    private readonly List<byte[]> _chunks = [];

    public long Length { get; private set; }

    public void Append(ReadOnlySpan<byte> content)
    {
        while (content.Length > 0)
        {
            var used = (int)(Length % S3Buffers.ChunkSize);
            if (used == 0)
            {
                _chunks.Add(buffers.Rent());
            }

            var taken = Math.Min(content.Length, S3Buffers.ChunkSize - used);
            content[..taken].CopyTo(_chunks[^1].AsSpan(used));
            content = content[taken..];
            Length += taken;
        }
    }

    /// <summary>A new body for one attempt.</summary>
    public Stream OpenBody()
    {
        var pieces = new ReadOnlyMemory<byte>[_chunks.Count];
        var left = Length;
        for (var i = 0; i < pieces.Length; i++)
        {
            var size = (int)Math.Min(left, S3Buffers.ChunkSize);
            pieces[i] = _chunks[i].AsMemory(0, size);
            left -= size;
        }

        return new S3Body(pieces);
    }

    public void Dispose()
    {
        foreach (var chunk in _chunks)
        {
            buffers.Return(chunk);
        }

        _chunks.Clear();
        Length = 0;
    }
}
