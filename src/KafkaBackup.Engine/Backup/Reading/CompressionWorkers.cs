using System.Collections.Concurrent;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Compression;

namespace KafkaBackup.Engine.Backup;

/// <summary>What became of a block.</summary>
/// <param name="Block">Null when none of its records counts.</param>
/// <param name="LastDigest">That of its last record, where it was asked for.</param>
/// <param name="Fault">The batch at which the block had to end (rule L2); what was before it is in the block.</param>
internal readonly record struct StoredBlock(CompressedBlock? Block, string? LastDigest, BatchFault? Fault);

/// <summary>
/// Walks and compresses blocks side by side, as many at once as there are cores; each worker keeps its compressor's memory.
/// </summary>
internal sealed class CompressionWorkers(CompressionKind kind, int level) : IDisposable
{
    private readonly SemaphoreSlim _free = new(Environment.ProcessorCount);
    private readonly ConcurrentBag<BlockCompressor> _idle = [];

    /// <summary>Takes the block over.</summary>
    public async Task<StoredBlock> CompressAsync(RawBlock block, bool withDigest)
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
                        var fault = compressor.Walk(block);
                        if (block.IsEmpty)
                        {
                            block.Dispose();
                            return new StoredBlock(null, null, fault);
                        }

                        var digest = withDigest ? block.LastRecordDigest() : null;
                        return new StoredBlock(compressor.Compress(block), digest, fault);
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
