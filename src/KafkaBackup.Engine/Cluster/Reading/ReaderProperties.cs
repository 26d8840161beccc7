namespace KafkaBackup.Engine.Cluster;

/// <summary>The library's settings for reading, each learnt from a failure.</summary>
internal static class ReaderProperties
{
    private const long LibraryDefault = 1_000_000;

    public static IReadOnlyList<KeyValuePair<string, string>> Tuning(ReaderOptions options) =>
        [
            // A request under way at the end of some partitions holds up the next ones of the same broker for so long: of a thousand small
            // partitions this is most of the time. Nothing waits at an end for long, so the broker is not asked all the time.
            new("fetch.wait.max.ms", "5"),
            // When the queue is full the fetcher would sleep a second; and it should have plenty to hand out before that.
            new("fetch.queue.backoff.ms", "5"),
            new("queued.min.messages", Number(options.QueuedRecords)),
            new("fetch.error.backoff.ms", "200"),
            new("fetch.max.bytes", Number(2L * options.FetchBytes)),
            new("fetch.message.max.bytes", Number(options.FetchBytes)),
            // A limit on requests, which the library wants to be below that of all fetches; readers send none that are large.
            new("message.max.bytes", Number(Math.Min(LibraryDefault, 2L * options.FetchBytes))),
            // A topic that does not exist is reported after this time, in case it has only just been created.
            new("topic.metadata.propagation.max.ms", "5000"),
        ];

    public static IReadOnlyList<KeyValuePair<string, string>> Promises(ReaderOptions options) =>
        [
            new("isolation.level", options.Isolation == IsolationLevel.ReadCommitted ? "read_committed" : "read_uncommitted"),
            new("auto.offset.reset", "error"),
            new("enable.auto.commit", "false"),
            new("auto.commit.enable", "false"),
            new("enable.auto.offset.store", "false"),
            new("enable.partition.eof", "true"),
            // After a failed checksum librdkafka (up to 2.15 at least) goes on reading inside the damaged batch, about a hundred bytes
            // before its end. What it finds there is dropped with the partition, but with rare bytes (an old format's mark and a length
            // below four) it aborts the process.
            new("check.crcs", options.CheckCrcs ? "true" : "false"),
            new("queued.max.messages.kbytes", Number(Math.Clamp(options.QueuedBytes / 1024, 1, 2_097_151))),
            // One record may be as large as a broker allows.
            new("receive.message.max.bytes", Number(int.MaxValue)),
        ];

    private static string Number(long number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
