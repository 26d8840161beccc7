namespace KafkaBackup.Engine.Backup;

/// <summary>
/// What a run has to tell besides its figures: each thing once, as a warning when it is found and in the result. For several threads.
/// </summary>
internal sealed class RunFindings(IEngineEvents events)
{
    private readonly object _gate = new();
    private readonly List<Finding> _findings = [];
    private readonly HashSet<(FindingKind, string)> _told = [];

    public IReadOnlyList<Finding> All
    {
        get
        {
            lock (_gate)
            {
                return [.. _findings];
            }
        }
    }

    public void Add(Finding finding)
    {
        lock (_gate)
        {
            if (!_told.Add((finding.Kind, finding.Place)))
            {
                return;
            }

            _findings.Add(finding);
        }

        events.Warning($"{finding.Message} {finding.Advice}");
    }
}
