using KafkaBackup.Demo;
using KafkaBackup.Demo.Show;

return args switch
{
    [] => await ShowCommand.RunAsync(),
    ["backup", .. var rest] => await BackupCommand.RunAsync(rest),
    ["describe", .. var rest] => await DescribeCommand.RunAsync(rest),
    ["restore", .. var rest] => await RestoreCommand.RunAsync(rest, dryRun: false),
    ["validate-restore", .. var rest] => await RestoreCommand.RunAsync(rest, dryRun: true),
    _ => Arguments.Fail(
        "Usage: (nothing: the demo) | backup --config <backup.yaml> | restore --config <restore.yaml> | validate-restore --config <restore.yaml> | describe --path <folder> --backup-id <id>"
    ),
};
