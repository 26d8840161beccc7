namespace KafkaBackup;

/// <summary>
/// What a running operation tells the outside. Called from the engine's threads, several at a time; implementations must be quick and must
/// not throw.
/// </summary>
public interface IEngineEvents
{
    /// <summary>The story of the run, a line at a time.</summary>
    void Verbose(string message);

    void Warning(string message);

    /// <summary>One object failed and the operation goes on.</summary>
    void Error(KafkaBackupException error);

    /// <summary>The newest state; older ones may be dropped. The engine calls it at most ten times a second.</summary>
    void Progress(ProgressInfo progress);
}
