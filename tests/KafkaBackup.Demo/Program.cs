using KafkaBackup.Demo;

return args switch
{
    ["backup", .. var rest] => await BackupCommand.RunAsync(rest),
    ["describe", .. var rest] => await DescribeCommand.RunAsync(rest),
    _ => Arguments.Fail("Usage: backup --config <backup.yaml> | describe --path <folder> --backup-id <id>"),
};
