using System.Collections.Concurrent;
using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// Writers that have done with their partition wait here for the next one: a new one needs half a second to get its producer id, which for
/// a thousand small partitions is most of the restore.
/// </summary>
internal sealed class WriterPool(IKafkaCluster cluster) : IDisposable
{
    private readonly ConcurrentDictionary<WriterOptions, ConcurrentBag<IRecordWriter>> _idle = new();

    public LentWriter Lend(WriterOptions options, TopicPartition target, PartitionSequence? sequence)
    {
        var writer = Idle(options).TryTake(out var idle) ? idle : cluster.OpenWriter(options);
        var lent = new LentWriter(this, options, writer);
        try
        {
            writer.Open(target, LentWriter.Slot, sequence);
            return lent;
        }
        catch (KafkaBackupException)
        {
            lent.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var writer in _idle.Values.SelectMany(idle => idle))
        {
            writer.Dispose();
        }

        _idle.Clear();
    }

    private ConcurrentBag<IRecordWriter> Idle(WriterOptions options) => _idle.GetOrAdd(options, _ => []);

    /// <summary>Ends with the writer, unless its partition is complete.</summary>
    internal sealed class LentWriter(WriterPool pool, WriterOptions options, IRecordWriter writer) : IDisposable
    {
        public const int Slot = 0;

        public IRecordWriter Writer => writer;

        /// <summary>All was sent and acknowledged, and nothing more goes to this partition.</summary>
        public bool IsDone { get; set; }

        public void Dispose()
        {
            if (IsDone && writer.Pending == 0)
            {
                writer.Close(Slot);
                pool.Idle(options).Add(writer);
            }
            else
            {
                writer.Dispose();
            }
        }
    }
}
