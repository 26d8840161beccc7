using System.Diagnostics;
using System.Text;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Records;
using KafkaBackup.LocalBroker;
using Xunit;

namespace KafkaBackup.Engine.Tests.Cluster;

/// <summary>Connects to local clusters, and reads and writes until something has happened.</summary>
internal static class ClusterTesting
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static CancellationToken Limit(double seconds = 90) => new CancellationTokenSource(TimeSpan.FromSeconds(seconds)).Token;

    public static ClusterSettings Settings(string address) => new() { BootstrapServers = [address] };

    public static KafkaCluster Connect(LocalCluster local, IEngineEvents? events = null) =>
        Connect(Settings(local.BootstrapServers), events);

    public static KafkaCluster Connect(ClusterSettings settings, IEngineEvents? events = null, double seconds = 10) =>
        KafkaCluster.Connect(settings, events ?? SilentEvents.Instance, TimeSpan.FromSeconds(seconds));

    public static Task<ClusterDescription> Describe(KafkaCluster cluster) => cluster.DescribeAsync(Limit());

    public static void PollUntil(IRecordReader reader, CollectingSink sink, Func<bool> done)
    {
        var started = Stopwatch.GetTimestamp();
        while (!done())
        {
            reader.Poll(sink);
            Assert.True(Stopwatch.GetElapsedTime(started) < Patience, $"waited too long; {sink}");
        }
    }

    /// <summary>Goes on polling for a while, to see that nothing more comes.</summary>
    public static void PollFor(IRecordReader reader, CollectingSink sink, TimeSpan time)
    {
        var started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < time)
        {
            reader.Poll(sink);
        }
    }

    public static CollectingSink ReadAll(
        KafkaCluster cluster,
        TopicPartition partition,
        IsolationLevel isolation = IsolationLevel.ReadCommitted,
        long from = 0
    )
    {
        using var reader = cluster.OpenReader(new ReaderOptions(isolation));
        var sink = new CollectingSink();
        reader.Assign(partition, from, 0);
        PollUntil(reader, sink, () => sink.Ends.ContainsKey(0) || sink.Faults.Count > 0);
        return sink;
    }

    public static void Drain(IRecordWriter writer, CollectingReports reports)
    {
        var started = Stopwatch.GetTimestamp();
        while (writer.Pending > 0)
        {
            writer.Poll(reports, TimeSpan.FromMilliseconds(20));
            Assert.True(Stopwatch.GetElapsedTime(started) < Patience, $"{writer.Pending} reports are missing");
        }
    }

    public static void Send(IRecordWriter writer, int slot, string value, long tag, long timestamp = 1_700_000_000_000)
    {
        using var record = new OutgoingRecord(null, Encoding.UTF8.GetBytes(value), timestamp);
        Assert.Equal(SendOutcome.Queued, record.Send(writer, slot, tag));
    }
}

/// <summary>A record read, copied out of native memory.</summary>
internal sealed record ReadRecord(
    int Slot,
    long Offset,
    long Timestamp,
    TimestampKind Kind,
    byte[]? Key,
    byte[]? Value,
    IReadOnlyList<(byte[] Name, byte[]? Value)> Headers,
    int LeaderEpoch,
    int PayloadBytes
)
{
    public string? ValueText => Value is null ? null : Encoding.UTF8.GetString(Value);
}

internal sealed class CollectingSink : IRecordSink
{
    public List<ReadRecord> Records { get; } = [];

    public Dictionary<int, long> Ends { get; } = [];

    public List<(int Slot, ReadFault Fault)> Faults { get; } = [];

    public List<KafkaBackupException> ClusterFaults { get; } = [];

    public Action<int, long>? AfterRecord { get; set; }

    public void OnRecord(int slot, in RecordView record)
    {
        var headers = new List<(byte[], byte[]?)>();
        foreach (var header in record.Headers)
        {
            headers.Add((header.Name.ToArray(), header.ValueIsNull ? null : header.Value.ToArray()));
        }

        Records.Add(
            new ReadRecord(
                slot,
                record.Offset,
                record.Timestamp,
                record.TimestampKind,
                record.KeyIsNull ? null : record.Key.ToArray(),
                record.ValueIsNull ? null : record.Value.ToArray(),
                headers,
                record.LeaderEpoch,
                record.PayloadBytes
            )
        );
        AfterRecord?.Invoke(slot, record.Offset);
    }

    public void OnEnd(int slot, long offset) => Ends[slot] = offset;

    public void OnError(int slot, ReadFault fault) => Faults.Add((slot, fault));

    public void OnClusterFault(KafkaBackupException error) => ClusterFaults.Add(error);

    public override string ToString() =>
        $"{Records.Count} records, ends {string.Join(',', Ends)}, faults {string.Join(',', Faults)}, cluster faults {string.Join(',', ClusterFaults.Select(fault => fault.Message))}";
}

internal sealed class CollectingReports : IDeliverySink
{
    public List<(int Slot, long Tag, long Offset)> Delivered { get; } = [];

    public List<(int Slot, long Tag, WriteFault Fault)> Failed { get; } = [];

    public List<(KafkaBackupException Error, bool Fatal)> ProducerFaults { get; } = [];

    public void OnDelivered(int slot, long tag, long offset) => Delivered.Add((slot, tag, offset));

    public void OnFailed(int slot, long tag, WriteFault fault) => Failed.Add((slot, tag, fault));

    public void OnProducerFault(KafkaBackupException error, bool fatal) => ProducerFaults.Add((error, fatal));
}

internal sealed class RecordingEvents : IEngineEvents
{
    private readonly List<string> _lines = [];

    public string Text
    {
        get
        {
            lock (_lines)
            {
                return string.Join('\n', _lines);
            }
        }
    }

    public void Verbose(string message) => Add(message);

    public void Warning(string message) => Add(message);

    public void Error(KafkaBackupException error) => Add(error.Message);

    public void Progress(ProgressInfo progress) { }

    private void Add(string line)
    {
        lock (_lines)
        {
            _lines.Add(line);
        }
    }
}

/// <summary>A record to send, with headers in pinned memory.</summary>
internal sealed unsafe class OutgoingRecord(byte[]? key, byte[]? value, long timestamp, params (byte[] Name, byte[]? Value)[] headers)
    : IDisposable
{
    private readonly (byte[] Name, byte[]? Value)[] _pinned =
    [
        .. headers.Select(header => (Pin(header.Name), header.Value is null ? null : Pin(header.Value))),
    ];

    public SendOutcome Send(IRecordWriter writer, int slot, long tag, int extraHeaders = 0)
    {
        var slices = new HeaderSlice[_pinned.Length];
        for (var i = 0; i < slices.Length; i++)
        {
            var (name, headerValue) = _pinned[i];
            fixed (
                byte* namePointer = name,
                    valuePointer = headerValue
            )
            {
                slices[i] = new HeaderSlice(namePointer, headers[i].Name.Length, valuePointer, headers[i].Value?.Length ?? -1);
            }
        }

        var record = new RecordView
        {
            Offset = -1,
            Timestamp = timestamp,
            TimestampKind = TimestampKind.CreateTime,
            Key = key,
            KeyIsNull = key is null,
            Value = value,
            ValueIsNull = value is null,
            Headers = slices.AsSpan(0, slices.Length - extraHeaders),
        };
        return writer.Send(slot, in record, slices.AsSpan(slices.Length - extraHeaders), tag);
    }

    public void Dispose() => GC.KeepAlive(_pinned);

    /// <summary>One byte more than needed, so that empty has an address too.</summary>
    private static byte[] Pin(byte[] bytes)
    {
        var pinned = GC.AllocateArray<byte>(bytes.Length + 1, pinned: true);
        bytes.CopyTo(pinned, 0);
        return pinned;
    }
}
