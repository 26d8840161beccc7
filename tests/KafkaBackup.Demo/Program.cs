using KafkaBackup.Demo;
using KafkaBackup.Demo.Show;

return args switch
{
    [] => await ShowCommand.RunAsync(),
    ["backup", .. var rest] => await BackupCommand.RunAsync(rest),
    ["describe", .. var rest] => await DescribeCommand.RunAsync(rest),
    _ => Arguments.Fail("Usage: (nothing: the demo) | backup --config <backup.yaml> | describe --path <folder> --backup-id <id>"),
};
