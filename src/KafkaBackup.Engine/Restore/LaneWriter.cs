using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>The writer's settings for one target partition.</summary>
internal static class LaneWriter
{
    private const int DefaultMessageBytes = 1_048_588;

    /// <summary>Below the limit by what a batch needs beside its records (SEMANTICS E4).</summary>
    private const int BatchOverhead = 1024;

    private const int LeastBatch = 1024;

    /// <summary>The sender itself bounds what waits, in whole records: of the library's own bound a giant record would never get past.</summary>
    private const long NoBound = 1L << 40;

    /// <param name="singles">One record a batch: the first one refused is then known by name.</param>
    public static WriterOptions Options(RestoreScope scope, TargetWork work, string? transactionalId, bool singles, TimeSpan? transactionTimeout = null) => new(
        TransactionalId: transactionalId,
        BatchBytes: BatchBytes(work),
        BatchRecords: singles ? 1 : scope.Options.ProduceBatchSize,
        QueuedBytes: NoBound,
        TransactionTimeout: transactionTimeout);

    /// <summary>
    /// How much to have sent and not yet acknowledged: one batch under way and most of the next. A second full one could not be sent before the
    /// first is answered, and until then would keep a core busy (see WriterProperties).
    /// </summary>
    public static long Room(RestoreScope scope, TargetWork work) => Math.Min(BatchBytes(work) * 19L / 10, scope.MostUnacknowledged);

    public static int BatchBytes(TargetWork work) =>
        Math.Max(LeastBatch, Math.Min(DefaultMessageBytes, work.MaxMessageBytes ?? DefaultMessageBytes) - BatchOverhead);
}
