using KafkaBackup.Engine.Format.Manifests;

namespace KafkaBackup.Engine.Catalog;

/// <summary>Runs that never said that they ended, because they died.</summary>
internal static class DeadRuns
{
    public static bool IsLast(Manifest manifest) => manifest.Runs is [.., { State: BackupStatus.Running }];

    /// <summary>
    /// The manifest in which every run has ended: one that died ended with its last commit, and holds what it had committed. Only for when
    /// nobody is at work: under the lock, or when it is known that nobody holds it.
    /// </summary>
    public static Manifest End(Manifest manifest)
    {
        if (manifest.Runs.All(r => r.State != BackupStatus.Running))
        {
            return manifest;
        }

        var runs = manifest.Runs.ToArray();
        for (var i = 0; i < runs.Length; i++)
        {
            if (runs[i].State == BackupStatus.Running)
            {
                var lastCommit =
                    i + 1 < runs.Length && runs[i + 1].StartedAt < manifest.UpdatedAt ? runs[i + 1].StartedAt : manifest.UpdatedAt;
                runs[i] = runs[i] with
                {
                    State = BackupStatus.Incomplete,
                    EndedAt = lastCommit > runs[i].StartedAt ? lastCommit : runs[i].StartedAt,
                    RecordCount = Math.Max(runs[i].RecordCount, CommittedBy(manifest, runs[i].RunId)),
                };
            }
        }

        return manifest with
        {
            Runs = runs,
        };
    }

    private static long CommittedBy(Manifest manifest, string runId) =>
        manifest
            .Topics.Values.SelectMany(t => t.Partitions.Values)
            .SelectMany(p => p.Segments)
            .Where(s => s.RunId == runId)
            .Sum(s => s.RecordCount);
}
