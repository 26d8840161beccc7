using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Confluent.Kafka;

namespace KafkaBackup.Demo.Show;

/// <summary>
/// A producer that does not stop for anybody: transactions of which every fifth is taken back, repeated headers, tombstones, empty values,
/// records without a key. It writes down what was acknowledged.
/// </summary>
internal sealed class LiveProducer : IAsyncDisposable
{
    private const int AbortEvery = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(25);

    private readonly string _topic;
    private readonly int _partitions;
    private readonly IProducer<byte[]?, byte[]?> _producer;
    private readonly CancellationTokenSource _stop = new();
    private Task _work = Task.CompletedTask;
    private long _made;
    private int _transactions;

    public LiveProducer(string bootstrapServers, string topic, int partitions)
    {
        _topic = topic;
        _partitions = partitions;
        var config = new ProducerConfig
        {
            BootstrapServers = bootstrapServers,
            TransactionalId = "demo-producer",
            LingerMs = 2,
        };
        _producer = new ProducerBuilder<byte[]?, byte[]?>(config)
            .SetKeySerializer(Serializers.ByteArray)
            .SetValueSerializer(Serializers.ByteArray)
            .SetLogHandler((_, _) => { })
            .Build();
        _producer.InitTransactions(Patience);
    }

    public Ledger Ledger { get; } = new();

    /// <summary>Fills the topic before the curtain rises.</summary>
    public void Fill(int records)
    {
        while (Ledger.Committed < records)
            Transact(1000);
    }

    public void Start() =>
        _work = Task.Run(async () =>
        {
            while (!_stop.IsCancellationRequested)
            {
                Transact(100);
                await Task.Delay(Pause, CancellationToken.None);
            }
        });

    /// <summary>Waits until so many more records are committed; a producer that died says why.</summary>
    public async Task WaitForMore(int records, CancellationToken cancel)
    {
        var goal = Ledger.Committed + records;
        while (Ledger.Committed < goal)
        {
            if (_work.IsCompleted)
                await _work;
            await Task.Delay(Pause, cancel);
        }
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _work;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await ((Task)_work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _producer.Dispose();
        _stop.Dispose();
    }

    private void Transact(int records)
    {
        var delivered = new ConcurrentQueue<(int, Ledger.Entry)>();
        _producer.BeginTransaction();
        for (var i = 0; i < records; i++)
            Produce(delivered);
        _producer.Flush(Patience);
        if (delivered.Count != records)
            throw new InvalidOperationException($"The broker acknowledged {delivered.Count} of {records} records.");

        if (++_transactions % AbortEvery == 0)
        {
            _producer.AbortTransaction(Patience);
            Ledger.Abort(records);
        }
        else
        {
            _producer.CommitTransaction(Patience);
            Ledger.Commit([.. delivered]);
        }
    }

    private void Produce(ConcurrentQueue<(int, Ledger.Entry)> delivered)
    {
        var number = _made++;
        var partition = (int)(number % _partitions);
        var message = Make(number);
        _producer.Produce(
            new Confluent.Kafka.TopicPartition(_topic, partition),
            message,
            report =>
            {
                if (!report.Error.IsError)
                    delivered.Enqueue((partition, new Ledger.Entry(report.Offset.Value, ImprintOf(message))));
            }
        );
    }

    private static Message<byte[]?, byte[]?> Make(long number)
    {
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{{\"order\":{number},\"customer\":{number % 997},\"amount\":{number % 10_000 / 100.0:0.00},\"note\":\"as it came\"}}"
        );
        var headers = new Headers { { "trace", Text($"{number}-a") }, { "trace", Text($"{number}-b") } };
        if (number % 7 == 0)
            headers.Add("nothing", null);
        if (number % 11 == 0)
            headers.Add("empty", []);
        return new Message<byte[]?, byte[]?>
        {
            Key = number % 101 == 0 ? null : Text($"customer-{number % 997}"),
            Value = (number % 53, number % 59) switch
            {
                (0, _) => null,
                (_, 0) => [],
                _ => Text(text),
            },
            Headers = headers,
            Timestamp = new Timestamp(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), TimestampType.CreateTime),
        };
    }

    private static string ImprintOf(Message<byte[]?, byte[]?> message) =>
        Imprint.Of(
            message.Key,
            message.Value,
            message.Timestamp.UnixTimestampMs,
            message.Headers.Select(h => (h.Key, (byte[]?)h.GetValueBytes()))
        );

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);
}
