using KafkaBackup.Benchmarks;
using KafkaBackup.Benchmarks.EndToEnd;
using KafkaBackup.Benchmarks.Micro;

if (args is ["job", var job, .. var jobArguments])
    return await Job.RunAsync(job, jobArguments);

BenchOptions options;
try
{
    options = BenchOptions.Parse(args);
}
catch (FormatException wrong)
{
    await Console.Error.WriteLineAsync(wrong.Message + "\n\n" + BenchOptions.Usage);
    return 2;
}

if (options.Help)
{
    Console.WriteLine(BenchOptions.Usage);
    return 0;
}

var failed = await Comparison.RunAsync(options);
if (options.Wants(MicroBenchmarks.Name))
    MicroBenchmarks.Run(options.Quick);
return failed ? 1 : 0;
