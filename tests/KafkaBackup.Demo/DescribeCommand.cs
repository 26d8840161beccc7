using KafkaBackup.Engine.Catalog;
using KafkaBackup.Engine.Storage;

namespace KafkaBackup.Demo;

/// <summary><c>describe --path folder --backup-id id</c>: what a backup holds, by its manifest.</summary>
internal static class DescribeCommand
{
    private const int Failed = 3;

    public static async Task<int> RunAsync(string[] args)
    {
        if (Arguments.Read(args, "describe --path <folder> --backup-id <id>", "--path", "--backup-id") is not { } given)
        {
            return Arguments.UsageError;
        }

        try
        {
            await using var store = StoreBackends.Known.Open(new StoreSettings { Path = given["--path"] }, TimeProvider.System);
            var opened = await new BackupCatalog(store).OpenAsync(given["--backup-id"], CancellationToken.None);
            var manifest = opened.Manifest;
            Console.WriteLine(
                $"Backup {opened.BackupId} of cluster {manifest.SourceClusterId}, generation {manifest.Generation}, {(manifest.Complete ? "complete" : "not complete")}."
            );
            foreach (var run in manifest.Runs)
            {
                Console.WriteLine($"  run {run.RunId}: {run.StartedAt:u} to {run.EndedAt:u}, {run.State}, {run.RecordCount} records");
            }

            foreach (var topic in manifest.Topics.Values.OrderBy(t => t.Name, StringComparer.Ordinal))
            {
                Console.WriteLine($"  {topic.Name}: {topic.PartitionCount} partitions, replication {topic.ReplicationFactor}");
                foreach (var partition in topic.Partitions.Values.OrderBy(p => p.Partition))
                {
                    Console.WriteLine(
                        $"    {partition.Partition}: {partition.Segments.Sum(s => s.RecordCount)} records in {partition.Segments.Count} segments, next offset {partition.NextOffset}, {partition.Gaps.Count} gaps"
                    );
                }
            }

            return 0;
        }
        catch (KafkaBackupException error)
        {
            new ConsoleEvents().Error(error);
            return Failed;
        }
    }
}
