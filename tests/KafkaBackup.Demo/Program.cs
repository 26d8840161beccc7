using KafkaBackup.Demo;

return args switch
{
    ["backup", .. var rest] => await BackupCommand.RunAsync(rest),
    ["describe", .. var rest] => await DescribeCommand.RunAsync(rest),
    ["restore", .. var rest] => await RestoreCommand.RunAsync(rest, dryRun: false),
    ["validate-restore", .. var rest] => await RestoreCommand.RunAsync(rest, dryRun: true),
    _ => Arguments.Fail(
        "Usage: backup --config <backup.yaml> | restore --config <restore.yaml> | validate-restore --config <restore.yaml> | describe --path <folder> --backup-id <id>"),
};
