using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>The writer's settings for one target partition.</summary>
internal static class LaneWriter
{
    private const int DefaultMessageBytes = 1_048_588;

    /// <summary>Below the limit by what a batch needs beside its records (SEMANTICS E4).</summary>
    private const int BatchOverhead = 1024;

    private const int LeastBatch = 1024;

    /// <param name="singles">One record a batch: the first one refused is then known by name.</param>
    public static WriterOptions Options(RestoreScope scope, TargetWork work, long queuedBytes, string? transactionalId, bool singles, TimeSpan? transactionTimeout = null) => new(
        TransactionalId: transactionalId,
        BatchBytes: Math.Max(LeastBatch, Math.Min(DefaultMessageBytes, work.MaxMessageBytes ?? DefaultMessageBytes) - BatchOverhead),
        BatchRecords: singles ? 1 : scope.Options.ProduceBatchSize,
        QueuedBytes: queuedBytes,
        TransactionTimeout: transactionTimeout);
}
