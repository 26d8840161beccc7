using KafkaBackup.Engine.Configuration;

namespace KafkaBackup.Engine.Restore;

/// <summary>
/// The one way to give up what an interrupted restore left, in steps that work exactly as they are written: as long as its checkpoint or
/// its marks are there, a run resumes, and a resume neither empties a target nor fills an emptied one again.
/// </summary>
internal static class BeginAgain
{
    /// <returns>One sentence.</returns>
    public static string Advice(RestoreOptions options)
    {
        string[] kept =
        [
            .. options.CheckpointPath is { } path ? [$"the checkpoint {path}"] : Array.Empty<string>(),
            .. options.Delivery == DeliveryMode.Transactional
                ? [$"the consumer group {TransactionalMarks.Group(options)}"]
                : Array.Empty<string>(),
        ];
        return "To begin again, "
            + (kept.Length == 0 ? "" : $"delete {string.Join(" and ", kept)}, then ")
            + "run with -Purge -Force (purge_topics, force), which empties the target partitions; or delete the target topics instead, and run.";
    }
}
