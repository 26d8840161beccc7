using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace KafkaBackup.Benchmarks.Micro;

internal static class MicroBenchmarks
{
    public const string Name = "micro";

    public static void Run(bool quick)
    {
        // In this process: a toolchain that builds projects of its own would need packages from the network.
        var job = (quick ? Job.ShortRun : Job.Default).WithToolchain(InProcessEmitToolchain.Instance);
        var config = DefaultConfig.Instance.AddJob(job).WithOptions(ConfigOptions.JoinSummary | ConfigOptions.DisableLogFile);
        BenchmarkRunner.Run([typeof(RecordBenchmarks), typeof(BlockBenchmarks), typeof(LookupBenchmarks)], config);
    }
}
