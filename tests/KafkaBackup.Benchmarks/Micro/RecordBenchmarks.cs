using BenchmarkDotNet.Attributes;
using KafkaBackup.Benchmarks.EndToEnd;
using KafkaBackup.Engine.Format.Blocks;
using KafkaBackup.Engine.Records;

namespace KafkaBackup.Benchmarks.Micro;

/// <summary>A thousand records into a block, and out of one.</summary>
[MemoryDiagnoser]
public class RecordBenchmarks : IDisposable
{
    private const int Count = 1_000;

    private readonly BlockBufferPool _pool = new(16 << 20);
    private BlockBuilder _builder = null!;
    private RecordSource _source = null!;
    private RawBlock _block = null!;

    [Params(100, 1_000)]
    public int RecordBytes { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _builder = new BlockBuilder(_pool);
        _source = new RecordSource(new Workload("micro", 1, Count, RecordBytes, Content.Json));
        _block = SampleBlock.Build(_builder, _source, 0);
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public int Encode()
    {
        for (var offset = 0; offset < Count; offset++)
        {
            var record = new RecordView
            {
                Offset = offset,
                Timestamp = 1_700_000_000_000 + offset,
                TimestampKind = TimestampKind.CreateTime,
                Key = _source.Key,
                Value = _source.Value,
            };
            if (_builder.TryAppend(record) != AppendOutcome.Added)
            {
                throw new InvalidOperationException("The block is full.");
            }
        }

        using var full = _builder.Seal();
        return full.Length;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public long Decode()
    {
        // The block is walked over and over to make a thousand records.
        long bytes = 0;
        for (var left = Count; left > 0;)
        {
            foreach (
                var record in new RecordBlock(_block.Buffer, new BlockInfo { RawLength = _block.Length, Stats = _block.Stats }, "block", 0)
            )
            {
                bytes += record.Value.Length;
                if (--left == 0)
                {
                    break;
                }
            }
        }

        return bytes;
    }

    [Benchmark]
    public string Digest()
    {
        var record = new RecordView
        {
            Offset = 1,
            Timestamp = 1_700_000_000_000,
            TimestampKind = TimestampKind.CreateTime,
            Key = _source.Key,
            Value = _source.Value,
        };
        return RecordDigest.Of(record);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _block.Dispose();
        _builder.Dispose();
        _pool.Dispose();
        GC.SuppressFinalize(this);
    }
}
