using System.Globalization;

namespace KafkaBackup.Engine.Cluster;

/// <summary>The library's settings for writing (rules E2, E4).</summary>
internal static class WriterProperties
{
    private const int LargestMessage = 1_000_000_000;

    /// <summary>Each queued record costs the library some two hundred bytes beside its content: this bounds them in number.</summary>
    private const int QueuedRecords = 250_000;

    public static IReadOnlyList<KeyValuePair<string, string>> Tuning(WriterOptions options) =>
        [
            // An idempotent producer has one batch of a partition under way at a time, and while another that is full or has lingered waits
            // for its answer, the library's thread does not sleep but spins. So batches are given time to fill; whoever needs an answer now
            // flushes.
            new("linger.ms", (options.Linger ?? TimeSpan.FromMilliseconds(50)).TotalMilliseconds.ToString(CultureInfo.InvariantCulture)),
            new("compression.type", options.CompressionType),
            new("retry.backoff.ms", "100"),
        ];

    public static IReadOnlyList<KeyValuePair<string, string>> Promises(WriterOptions options)
    {
        var properties = new List<KeyValuePair<string, string>>
        {
            new("enable.idempotence", "true"),
            new("acks", "all"),
            // The broker decides what is too large, and says so per record.
            new("message.max.bytes", Text(LargestMessage)),
            new("batch.size", Text(options.BatchBytes)),
            new("batch.num.messages", Text(Math.Clamp(options.BatchRecords, 1, 1_000_000))),
            new("queue.buffering.max.messages", Text(QueuedRecords)),
            new("queue.buffering.max.kbytes", Text(Math.Clamp(options.QueuedBytes / 1024, 1, int.MaxValue))),
        };
        if (options.TransactionalId is { } id)
        {
            properties.Add(new("transactional.id", id));
            if (options.TransactionTimeout is { } timeout)
            {
                properties.Add(new("transaction.timeout.ms", Text((long)timeout.TotalMilliseconds)));
            }
        }
        else
        {
            // No message time-out: the caller's own budget decides. In a transaction its time-out is the limit.
            properties.Add(new("message.timeout.ms", "0"));
            properties.Add(new("enable.gapless.guarantee", options.StopAtFirstFailure ? "true" : "false"));
        }

        return properties;
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
