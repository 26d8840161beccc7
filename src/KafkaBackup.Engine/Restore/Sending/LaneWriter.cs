using System.Globalization;
using KafkaBackup.Engine.Cluster;

namespace KafkaBackup.Engine.Restore;

/// <summary>The writer's settings for one target partition.</summary>
internal static class LaneWriter
{
    /// <summary>Kafka's own default was a little smaller before 2.5, and a batch is never worth more than that.</summary>
    private const int DefaultMessageBytes = 1_000_012;

    /// <summary>Below the limit by what a batch needs beside its records (rule E4).</summary>
    private const int BatchOverhead = 1024;

    public const int LeastBatch = 1024;

    /// <summary>
    /// The sender itself bounds what waits, in whole records: of the writer's own bound a giant record would never get past.
    /// </summary>
    private const long NoBound = 1L << 40;

    /// <param name="singles">One record a batch: the first one refused is then known by name.</param>
    public static WriterOptions Options(
        RestoreScope scope,
        int batchBytes,
        string? transactionalId,
        bool singles,
        TimeSpan? transactionTimeout = null
    ) =>
        new(
            TransactionalId: transactionalId,
            BatchBytes: batchBytes,
            BatchRecords: singles ? 1 : scope.Options.ProduceBatchSize,
            QueuedBytes: NoBound,
            TransactionTimeout: transactionTimeout
        );

    /// <summary>
    /// How much to have sent and not yet acknowledged: a few batches, so that the broker always has one to work on.
    /// </summary>
    public static long Room(RestoreScope scope, int batchBytes) => Math.Min(batchBytes * 4L, scope.MostUnacknowledged);

    /// <summary>
    /// A broker also refuses a batch that would not fit into a segment of its log. Null where the configuration says neither.
    /// </summary>
    public static int? LargestBatch(IReadOnlyDictionary<string, string> configs)
    {
        var message = Number("max.message.bytes");
        var segment = Number("segment.bytes");
        return message is { } m && segment is { } s ? Math.Min(m, s) : message ?? segment;

        int? Number(string name) =>
            int.TryParse(configs.GetValueOrDefault(name), NumberStyles.Integer, CultureInfo.InvariantCulture, out var number)
                ? number
                : null;
    }

    public static int LargestKept(TargetWork work) => work.MaxBatchBytes ?? DefaultMessageBytes;

    public static int BatchBytes(TargetWork work) =>
        Math.Max(LeastBatch, Math.Min(DefaultMessageBytes, work.MaxBatchBytes ?? DefaultMessageBytes) - BatchOverhead);
}
