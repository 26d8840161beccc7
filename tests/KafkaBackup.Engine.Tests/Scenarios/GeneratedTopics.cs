using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Tests.Cluster;

namespace KafkaBackup.Engine.Tests.Scenarios;

/// <summary>
/// Topics with everything in them that a log can hold, written by a client: committed and aborted transactions, tails that a consumer never
/// sees, deleted beginnings, compacted middles, tombstones, headers that repeat, zero-length everything, a record of ten megabytes. The
/// same seed gives the same topics.
/// </summary>
internal sealed class GeneratedTopics(IKafkaCluster cluster, int seed, CancellationToken cancel)
{
    private const int Records = 400;
    private const int LargeRecord = 10 << 20;

    private static readonly long[] Times = [-1, 1, 1_705_312_800_000, 253_402_300_799_999];
    private static readonly int[] Sizes = [0, 0, 1, 127, 128, 1000, 16_384];

    private readonly Random _random = new(seed);

    /// <summary>Partitions: plain, in transactions, with its beginning deleted, empty.</summary>
    /// <returns>How many records a read_committed consumer sees.</returns>
    public async Task<int> MixedAsync(string topic)
    {
        await cluster.CreateTopicsAsync(
            [new NewTopic(topic, 4, 1, new Dictionary<string, string> { ["retention.ms"] = "-1", ["max.message.bytes"] = "20000000" })],
            cancel
        );
        using var plain = new Writing(cluster, topic, null);
        for (var i = 0; i < Records; i++)
        {
            Send(plain, 0, Bytes());
        }

        Send(plain, 2, Bytes());
        Send(plain, 2, new byte[LargeRecord]);
        for (var i = 2; i < Records; i++)
        {
            Send(plain, 2, Bytes());
        }

        plain.Drain();
        var before = _random.Next(2, Records - 1);
        if (seed % 2 == 0)
        {
            // The large record stays in every other topic.
            before = 1;
        }

        await cluster.DeleteRecordsAsync(new Dictionary<TopicPartition, long> { [new TopicPartition(topic, 2)] = before }, cancel);
        return Records + await TransactionsAsync(topic) + Records - before;
    }

    /// <summary>One partition, few keys, many tombstones; compaction makes holes in it in its own time.</summary>
    public async Task CompactedAsync(string topic)
    {
        await cluster.CreateTopicsAsync(
            [
                new NewTopic(
                    topic,
                    1,
                    1,
                    new Dictionary<string, string>
                    {
                        ["cleanup.policy"] = "compact",
                        ["segment.ms"] = "100",
                        ["min.cleanable.dirty.ratio"] = "0.01",
                        ["delete.retention.ms"] = "3600000",
                    }
                ),
            ],
            cancel
        );
        using var writing = new Writing(cluster, topic, null);
        for (var i = 0; i < Records; i++)
        {
            writing.Send(0, [(byte)_random.Next(20)], _random.Next(4) == 0 ? null : Bytes(), 1_705_312_800_000 + i, Headers());
            if (i % 100 == 99)
            {
                writing.Drain();
                await Task.Delay(150, cancel);
            }
        }

        writing.Drain();
    }

    private async Task<int> TransactionsAsync(string topic)
    {
        using var writing = new Writing(cluster, topic, $"{topic}-tx");
        await writing.Writer.InitTransactionsAsync(cancel);
        var committed = 0;
        for (var transaction = 0; transaction < 12; transaction++)
        {
            // The last one is aborted: the partition ends with records, and a marker, that nobody sees.
            var commit = transaction < 11 && _random.Next(3) > 0;
            var count = _random.Next(1, 60);
            writing.Writer.BeginTransaction();
            for (var i = 0; i < count; i++)
            {
                Send(writing, 1, Bytes());
            }

            writing.Drain();
            await (commit ? writing.Writer.CommitTransactionAsync(cancel) : writing.Writer.AbortTransactionAsync(cancel));
            committed += commit ? count : 0;
        }

        return committed;
    }

    private void Send(Writing writing, int partition, byte[]? value) =>
        writing.Send(partition, Bytes(), value, Times[_random.Next(Times.Length)], Headers());

    private byte[]? Bytes()
    {
        if (_random.Next(6) == 0)
        {
            return null;
        }

        var bytes = new byte[Sizes[_random.Next(Sizes.Length)]];
        _random.NextBytes(bytes);
        return bytes;
    }

    private (byte[] Name, byte[]? Value)[] Headers()
    {
        byte[][] names = ["h"u8.ToArray(), "h"u8.ToArray(), [], "ü"u8.ToArray()];
        return Enumerable
            .Range(0, _random.Next(3) == 0 ? _random.Next(1, 6) : 0)
            .Select(_ => (names[_random.Next(names.Length)], Bytes()))
            .ToArray();
    }

    private sealed class Writing : IDisposable
    {
        private readonly CollectingReports _reports = new();
        private readonly List<OutgoingRecord> _kept = [];

        public Writing(IKafkaCluster cluster, string topic, string? transactionalId)
        {
            Writer = cluster.OpenWriter(new WriterOptions(transactionalId));
            for (var partition = 0; partition < 3; partition++)
            {
                Writer.Open(new TopicPartition(topic, partition), partition);
            }
        }

        public IRecordWriter Writer { get; }

        public void Send(int partition, byte[]? key, byte[]? value, long timestamp, (byte[] Name, byte[]? Value)[] headers)
        {
            var record = new OutgoingRecord(key, value, timestamp, headers);
            _kept.Add(record);
            while (record.Send(Writer, partition, _kept.Count) == SendOutcome.QueueFull)
            {
                Writer.Poll(_reports, TimeSpan.FromMilliseconds(20));
            }
        }

        public void Drain()
        {
            ClusterTesting.Drain(Writer, _reports);
            Assert.Empty(_reports.Failed);
        }

        public void Dispose() => Writer.Dispose();
    }
}
