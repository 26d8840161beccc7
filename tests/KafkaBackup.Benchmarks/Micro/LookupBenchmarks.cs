using BenchmarkDotNet.Attributes;
using KafkaBackup.Engine.Configuration;
using KafkaBackup.Engine.Restore;

namespace KafkaBackup.Benchmarks.Micro;

/// <summary>Which topics a pattern takes, and where an offset went.</summary>
[MemoryDiagnoser]
public class LookupBenchmarks
{
    private PatternSet _globs = null!;
    private PatternSet _literals = null!;
    private OffsetMap _map = null!;
    private long _next;

    [Params(1, 100_000)]
    public int Ranges { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _globs = PatternSet.ForTopics(["orders-*", "*-audit", "~^billing\\.[a-z]+$"], ["*-test"]);
        _literals = PatternSet.ForTopics(Enumerable.Range(0, 1_000).Select(i => $"topic-{i}"));
        _map = new OffsetMap();
        for (var i = 0; i < Ranges; i++)
        {
            _map.Add(i * 10_000L, i * 9_000L, 9_000);
        }
    }

    [Benchmark]
    public bool MatchGlobs() => _globs.Matches("customer-events-eu-west-1-audit");

    [Benchmark]
    public bool MatchOneOfThousandNames() => _literals.Matches("topic-999");

    [Benchmark]
    public long? TranslateOffset() => _map.Translate((_next += 7_919) % (Ranges * 10_000L));
}
