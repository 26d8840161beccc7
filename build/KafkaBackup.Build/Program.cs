using KafkaBackup.Build;
using KafkaBackup.Build.Packaging;
using KafkaBackup.Build.Results;
using KafkaBackup.Build.Staging;

// The steps of the build that MSBuild has no task for. Run by Stage.targets, build.sh and build.ps1:
//   stage   --repository DIR --binaries DIR --output DIR [--incomplete-help true]   lays out the importable module
//   package --module DIR --output DIR   makes the .nupkg and the .zip of a staged module
//   progress   shows what a test runner writes to the standard input as a line every 15 seconds, and failures at once
//   count   [--left-out TEXT]... [--broken TEXT]... [--slow SECONDS] FILE|DIR...   adds up test results; the closing line of a test run
try
{
    var arguments = CommandLine.Parse(args);
    return arguments.Verb switch
    {
        "stage" => StageCommand.Run(arguments, Console.Out),
        "package" => PackageCommand.Run(arguments, Console.Out),
        "progress" => ProgressCommand.Run(Console.In, Console.Out),
        "count" => CountCommand.Run(arguments, Console.Out),
        _ => throw new BuildStepException($"'{arguments.Verb}' is no step of this build; there are stage, package, progress and count"),
    };
}
catch (BuildStepException failure)
{
    // The form that MSBuild takes for an error, and people too.
    foreach (var message in failure.Messages)
        Console.Error.WriteLine($"KafkaBackup.Build : error KB0001: {message}");
    return 1;
}
