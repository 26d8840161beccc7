using System.Collections.Concurrent;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Compression;

namespace KafkaBackup.Engine.Backup;

/// <summary>Compresses blocks side by side, as many at once as there are cores; each worker keeps its compressor's memory.</summary>
internal sealed class CompressionWorkers(CompressionKind kind, int level) : IDisposable
{
    private readonly SemaphoreSlim _free = new(Environment.ProcessorCount);
    private readonly ConcurrentBag<BlockCompressor> _idle = [];

    /// <summary>Takes the block over. With it comes the digest of the block's last record, where it is asked for.</summary>
    public async Task<(CompressedBlock Block, string? LastDigest)> CompressAsync(RawBlock block, bool withDigest)
    {
        await _free.WaitAsync().ConfigureAwait(false);
        try
        {
            return await Task.Run(() =>
                {
                    if (!_idle.TryTake(out var compressor))
                    {
                        compressor = new BlockCompressor(kind, level);
                    }

                    try
                    {
                        var digest = withDigest ? block.LastRecordDigest() : null;
                        return (compressor.Compress(block), digest);
                    }
                    finally
                    {
                        _idle.Add(compressor);
                    }
                })
                .ConfigureAwait(false);
        }
        finally
        {
            _free.Release();
        }
    }

    public void Dispose()
    {
        while (_idle.TryTake(out var compressor))
        {
            compressor.Dispose();
        }

        _free.Dispose();
    }
}
