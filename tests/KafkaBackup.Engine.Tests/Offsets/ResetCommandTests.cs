using System.Diagnostics;
using KafkaBackup.Engine.Restore;
using KafkaBackup.Testing;

namespace KafkaBackup.Engine.Tests.Offsets;

/// <summary>The lines are really run, with names that want to be more than names; the Pester suite does the same in PowerShell.</summary>
public sealed class ResetCommandTests
{
    private static readonly TopicPartition Target = new("orders-copy", 3);

    public static TheoryData<string> Plain() =>
        [.. (string[])["billing", "007", "1e3", "0x10", "1.0", "-x", "-foo.bar", "--execute", "true", "a.b_c-d", "-", "--", "."]];

    [Theory]
    [MemberData(nameof(Plain))]
    public void F5_a_plain_name_makes_a_line_that_means_the_same_to_every_shell(string group)
    {
        var command = ResetCommand.For("a:9092,[::1]:9093", group, Target, 5)!;

        if (!OperatingSystem.IsWindows())
        {
            using var tool = new FakeTool();
            Assert.Equal(command.Arguments, tool.Run(command.Text!));
        }

        Assert.Equal(
            [
                "--bootstrap-server",
                "a:9092,[::1]:9093",
                "--group",
                group,
                "--topic",
                "orders-copy:3",
                "--reset-offsets",
                "--to-offset",
                "5",
                "--execute",
            ],
            command.Arguments
        );
    }

    [Theory]
    [InlineData("g';touch FILE;#", true)]
    [InlineData("$(touch FILE)", true)]
    [InlineData("`touch FILE`", true)]
    [InlineData("@(touch FILE)", true)]
    [InlineData("--% ;touch FILE", false)]
    [InlineData("a b", true)]
    [InlineData("*", false)]
    [InlineData("[ab]", false)]
    [InlineData("~/x", false)]
    [InlineData("команда", true)]
    [InlineData("g\";touch FILE;#", false)]
    [InlineData("g & touch FILE", false)]
    [InlineData("g|touch FILE", false)]
    [InlineData("%PATH%", false)]
    [InlineData("g\ntouch FILE", false)]
    [InlineData("g\0x", false)]
    [InlineData("\u001b]0;x\u0007", false)]
    [InlineData("", false)]
    public void F5_any_other_group_makes_no_line_and_arguments_unless_they_would_be_expanded(string group, bool hasArguments)
    {
        var command = ResetCommand.For("broker:9092", group, Target, 5);

        Assert.Null(command?.Text);
        Assert.Equal(hasArguments ? group : null, command?.Arguments[3]);
    }

    [Theory]
    [InlineData("broker:9092", "orders;touch FILE")]
    [InlineData("broker:9092", "")]
    [InlineData("broker:9092;touch FILE", "orders")]
    [InlineData("$(touch FILE)", "orders")]
    [InlineData("", "orders")]
    public void F5_a_topic_or_address_that_is_none_makes_no_command(string bootstrap, string topic) =>
        Assert.Null(ResetCommand.For(bootstrap, "billing", new TopicPartition(topic, 0), 5));

    /// <summary>A kafka-consumer-groups that prints its arguments, first on the path.</summary>
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    private sealed class FakeTool : IDisposable
    {
        private readonly TemporaryFolder _folder = new();

        public FakeTool()
        {
            var path = _folder.File("kafka-consumer-groups");
            File.WriteAllText(path, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n");
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        public string[] Run(string line)
        {
            var start = new ProcessStartInfo("/bin/sh")
            {
                ArgumentList = { "-c", line },
                RedirectStandardOutput = true,
                WorkingDirectory = _folder.Path,
            };
            start.Environment["PATH"] = $"{_folder.Path}{Path.PathSeparator}{Environment.GetEnvironmentVariable("PATH")}";
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return output.TrimEnd('\n').Split('\n');
        }

        public void Dispose() => _folder.Dispose();
    }
}
