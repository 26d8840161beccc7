using System.Collections.Concurrent;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Format.Compression;
using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Backup;

/// <summary>What a worker made of a block.</summary>
/// <param name="Block">Null when none of its records counts.</param>
/// <param name="Last">Its last record, where it was asked for.</param>
/// <param name="Fault">The batch that does not decode (rule L2): the block ends before it.</param>
internal sealed record WorkedBlock(CompressedBlock? Block, LastRecord? Last, BatchFault? Fault) : IDisposable
{
    public void Dispose() => Block?.Dispose();
}

/// <summary>Walks and compresses blocks side by side, as many at once as there are cores; each worker keeps its memory.</summary>
internal sealed class CompressionWorkers(CompressionKind kind, int level) : IDisposable
{
    private readonly SemaphoreSlim _free = new(Environment.ProcessorCount);
    private readonly ConcurrentBag<BlockCompressor> _idle = [];

    /// <summary>Takes the block over.</summary>
    /// <param name="withLast">The last record is asked for; of a block that has to end early it is given anyway.</param>
    public async Task<WorkedBlock> CompressAsync(RawBlock block, bool withLast)
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
                        return Work(compressor, block, withLast);
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

    private static WorkedBlock Work(BlockCompressor compressor, RawBlock block, bool withLast)
    {
        var fault = compressor.Walk(block);
        if (block.IsEmpty)
        {
            block.Dispose();
            return new WorkedBlock(null, null, fault);
        }

        var last = withLast || fault is not null ? block.Last() : null;
        return new WorkedBlock(compressor.Compress(block), last, fault);
    }
}
